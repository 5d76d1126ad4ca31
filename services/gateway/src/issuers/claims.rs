//! What the claims of a token mean, by the configuration of its issuer. No I/O.

use klout_model::Purpose;
use serde_json::{Map, Value};

use super::TokenRefused;
use crate::{
    access::{Scope, Scopes},
    config::IssuerConfig,
};

/// Bytes of a name and of a purpose: as many as the log of look-ups keeps.
const TEXT_BYTES_MAX: usize = 128;

type Claims = Map<String, Value>;

/// Whom the issuer names.
pub(super) fn caller<'a>(
    config: &IssuerConfig,
    claims: &'a Claims,
) -> Result<&'a str, TokenRefused> {
    text(claims, &config.caller_claim)
}

/// What for, in the words of the claim if one is configured and there, else of the configuration.
pub(super) fn purpose<'a>(
    config: &'a IssuerConfig,
    claims: &'a Claims,
) -> Result<&'a str, TokenRefused> {
    let is_claimed = !config.purpose_claim.is_empty()
        && (config.purpose.is_empty() || claims.contains_key(&config.purpose_claim));
    if is_claimed { text(claims, &config.purpose_claim) } else { Ok(&config.purpose) }
}

/// Whether somebody else's token may have that purpose.
pub(super) fn may_be_shown(purpose: Purpose) -> bool {
    match purpose {
        Purpose::Operator | Purpose::Internal => false,
        Purpose::Show | Purpose::Crm | Purpose::Perks | Purpose::Research => true,
    }
}

/// Those of the configuration; of these, when a claim is configured, those that it names behind the prefix. A claim is a
/// list, or words with spaces between, as in OAuth. One that is not there names none.
pub(super) fn scopes(config: &IssuerConfig, claims: &Claims) -> Result<Scopes, TokenRefused> {
    let allowed = config.allowed_scopes();
    if config.scope_claim.is_empty() {
        return Ok(allowed);
    }
    let words: Vec<&str> = match claims.get(&config.scope_claim) {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::String(words)) => words.split_whitespace().collect(),
        Some(Value::Array(words)) => words.iter().filter_map(Value::as_str).collect(),
        Some(Value::Bool(_) | Value::Number(_) | Value::Object(_)) => {
            return Err(TokenRefused::Claim(config.scope_claim.clone()));
        }
    };
    let named = words.iter().filter_map(|word| word.strip_prefix(config.scope_prefix.as_str()));
    let named = named.filter_map(Scope::named).filter(|scope| allowed.has(*scope));
    Ok(named.collect())
}

fn text<'a>(claims: &'a Claims, claim: &str) -> Result<&'a str, TokenRefused> {
    let text = claims.get(claim).and_then(Value::as_str).map(str::trim);
    text.filter(|text| (1..=TEXT_BYTES_MAX).contains(&text.len()))
        .filter(|text| !text.contains(char::is_control))
        .ok_or_else(|| TokenRefused::Claim(claim.to_owned()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn config(settings: &Value) -> IssuerConfig {
        let mut config = json!({
            "issuer": "https://login.example", "audience": "klout", "keys": "https://login.example/jwks",
        });
        let all = config.as_object_mut().expect("an object");
        all.extend(settings.as_object().expect("settings").clone());
        serde_json::from_value(config).expect("a configuration")
    }

    fn claims(claims: Value) -> Claims {
        serde_json::from_value(claims).expect("claims")
    }

    #[test]
    fn a_purpose_is_the_claims_or_else_the_configurations() {
        let fixed = config(&json!({"purpose": "crm"}));
        let claimed = config(&json!({"purpose_claim": "use"}));
        let either = config(&json!({"purpose": "crm", "purpose_claim": "use"}));
        let (says, silent) = (claims(json!({"use": "research"})), claims(json!({})));
        assert_eq!(purpose(&fixed, &says).expect("a purpose"), "crm");
        assert_eq!(purpose(&claimed, &says).expect("a purpose"), "research");
        assert_eq!(purpose(&either, &says).expect("a purpose"), "research");
        assert_eq!(purpose(&either, &silent).expect("a purpose"), "crm");
        assert!(purpose(&claimed, &silent).is_err());
        assert!(purpose(&either, &claims(json!({"use": 7}))).is_err(), "not what else is meant");
    }

    #[test]
    fn no_claim_gives_a_scope_that_the_configuration_does_not() {
        let settings =
            json!({"scopes": ["scores", "people"], "scope_claim": "scp", "scope_prefix": "klout:"});
        let config = config(&settings);
        let of = |value: Value| scopes(&config, &claims(json!({ "scp": value }))).expect("scopes");
        let scores: Scopes = [Scope::Scores].into_iter().collect();
        assert_eq!(of(json!("klout:scores klout:perks openid scores people")), scores);
        assert_eq!(of(json!(["klout:scores", "klout:nothing", 7])), scores);
        assert!(!of(json!(null)).has(Scope::Scores));
        assert!(scopes(&config, &claims(json!({"scp": 1}))).is_err());
    }

    #[test]
    fn a_caller_has_a_name() {
        let config = config(&json!({}));
        assert_eq!(caller(&config, &claims(json!({"sub": " desk 7 "}))).expect("a name"), "desk 7");
        for nameless in [json!({}), json!({"sub": ""}), json!({"sub": 7}), json!({"sub": "a\nb"})] {
            assert!(caller(&config, &claims(nameless)).is_err());
        }
    }
}
