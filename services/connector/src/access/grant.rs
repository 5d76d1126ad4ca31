//! OAuth 2 by code, with PKCE: written once, for whoever gives access.
//!
//! What is asked for is left with the server first where it takes that (RFC 9126), access is bound to a key of ours where
//! it does that (RFC 9449). The crate `oauth2` writes the requests and reads the answers.

use std::pin::Pin;

use klout_networks::{Trouble, sign_in::Endpoints};
use oauth2::{
    AsyncHttpClient, AuthType, AuthUrl, AuthorizationCode, Client, ClientId, ClientSecret,
    CsrfToken, EndpointNotSet, EndpointSet, ExtraTokenFields, HttpRequest, HttpResponse,
    PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, RefreshToken, RequestTokenError, Scope,
    StandardErrorResponse, StandardRevocableToken, StandardTokenResponse, TokenResponse as _,
    TokenUrl,
    basic::{
        BasicErrorResponse, BasicErrorResponseType, BasicRevocationErrorResponse,
        BasicTokenIntrospectionResponse, BasicTokenType,
    },
};
use serde::{Deserialize, Serialize};
use url::Url;

use super::{
    kept::{Fresh, Grant, Kept, Secret},
    proof::ProofKey,
    refused,
    wire::{Wire, form_request},
};
use crate::visit::{
    ask::{Answered, Unasked},
    verdict::Problem,
};

/// How a server knows us.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Application {
    pub(crate) client_id: String,
    pub(crate) client_secret: Option<Secret>,
}

/// Access that was asked for, and that the person may give now.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Asked {
    pub(crate) endpoints: Endpoints,
    pub(crate) application: Application,
    redirect_uri: String,
    /// Comes back with the person.
    pub(crate) state: Secret,
    verifier: Secret,
    proof_key: Option<Secret>,
}

/// What a person came back with.
#[derive(Debug)]
pub(crate) struct Given<'a> {
    pub(crate) code: Secret,
    pub(crate) state: &'a str,
    /// Empty: it was not told.
    pub(crate) issuer: &'a str,
}

/// Whose the access is, where who gives it says so.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Whose {
    #[serde(default)]
    sub: Option<String>,
}

type Tokens = StandardTokenResponse<Whose, BasicTokenType>;

type OAuth = Client<
    BasicErrorResponse,
    Tokens,
    BasicTokenIntrospectionResponse,
    StandardRevocableToken,
    BasicRevocationErrorResponse,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointSet,
>;

impl ExtraTokenFields for Whose {}

/// Asks for access. Returns where to send the person.
pub(crate) async fn begin(
    wire: &Wire,
    endpoints: Endpoints,
    application: Application,
    scope: &str,
    redirect_uri: &str,
    login_hint: Option<&str>,
) -> Result<(Url, Asked), Problem> {
    let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
    let proof_key = endpoints.proven.then(ProofKey::draw);
    let oauth = client(&application, &endpoints.authorization, &endpoints.token, redirect_uri)?;
    let mut request = oauth.authorize_url(CsrfToken::new_random).set_pkce_challenge(challenge);
    for word in scope.split_whitespace() {
        request = request.add_scope(Scope::new(word.to_owned()));
    }
    if let Some(hint) = login_hint {
        request = request.add_extra_param("login_hint", hint);
    }
    let (mut url, state) = request.url();
    if let Some(pushed) = &endpoints.pushed {
        let form: Vec<(String, String)> = url.query_pairs().into_owned().collect();
        let mut form: Vec<(&str, String)> =
            form.iter().map(|(name, value)| (name.as_str(), value.clone())).collect();
        if let Some(secret) = &application.client_secret {
            form.push(("client_secret", secret.expose().to_owned()));
        }
        let answered = send(wire, form_request(pushed, &form), proof_key.as_ref()).await?;
        let left = read_pushed(&answered)?;
        url = endpoints.authorization.clone();
        url.query_pairs_mut()
            .append_pair("client_id", &application.client_id)
            .append_pair("request_uri", &left);
    }
    let asked = Asked {
        endpoints,
        application,
        redirect_uri: redirect_uri.to_owned(),
        state: Secret::new(state.secret().as_str()),
        verifier: Secret::new(verifier.secret().as_str()),
        proof_key,
    };
    Ok((url, asked))
}

/// Takes the access that a person gave. Returns whose it is, too, where that is said.
pub(crate) async fn take(
    wire: &Wire,
    asked: &Asked,
    given: Given<'_>,
) -> Result<(Fresh, Option<String>), Problem> {
    // Who started the attempt knows it anyway: it is sealed in what they hold.
    if given.state != asked.state.expose() {
        return Err(refused("the person came back from another attempt"));
    }
    let told = !given.issuer.is_empty();
    if let Some(issuer) = &asked.endpoints.issuer
        && given.issuer != issuer
    {
        return Err(refused("the person came back from somebody else"));
    }
    if told && asked.endpoints.issuer.is_none() {
        let origin = asked.endpoints.token.origin();
        if Url::parse(given.issuer).map(|url| url.origin()) != Ok(origin) {
            return Err(refused("the person came back from somebody else"));
        }
    }
    let Asked { endpoints, application, redirect_uri, verifier, proof_key, .. } = asked;
    let oauth = client(application, &endpoints.authorization, &endpoints.token, redirect_uri)?;
    let sending = Sender { wire, proof_key: proof_key.as_ref() };
    let tokens = oauth
        .exchange_code(AuthorizationCode::new(given.code.expose().to_owned()))
        .set_pkce_verifier(PkceCodeVerifier::new(verifier.expose().to_owned()))
        .request_async(&sending)
        .await
        .map_err(problem)?;
    let sub = tokens.extra_fields().sub.clone();
    let fresh = fresh(wire, &tokens, None, endpoints.token.clone(), application, proof_key)?;
    Ok((fresh, sub))
}

/// New access in place of what has run out.
pub(crate) async fn refresh(wire: &Wire, grant: &Grant) -> Result<Fresh, Problem> {
    let Grant { refresh, token_endpoint, client_id, client_secret, proof_key, .. } = grant;
    let refresh = refresh.as_ref().ok_or_else(|| refused("the access has run out"))?;
    let application =
        Application { client_id: client_id.clone(), client_secret: client_secret.clone() };
    // Nobody is sent anywhere.
    let oauth = client(&application, token_endpoint, token_endpoint, "http://127.0.0.1/")?;
    let sending = Sender { wire, proof_key: proof_key.as_ref() };
    let tokens = oauth
        .exchange_refresh_token(&RefreshToken::new(refresh.expose().to_owned()))
        .request_async(&sending)
        .await
        .map_err(problem)?;
    fresh(wire, &tokens, Some(refresh), token_endpoint.clone(), &application, proof_key)
}

fn fresh(
    wire: &Wire,
    tokens: &Tokens,
    before: Option<&Secret>,
    token_endpoint: Url,
    application: &Application,
    proof_key: &Option<Secret>,
) -> Result<Fresh, Problem> {
    let bound = matches!(tokens.token_type(), BasicTokenType::Extension(name) if name.eq_ignore_ascii_case("dpop"));
    if bound != proof_key.is_some() {
        return Err(refused("the access is of another kind than was asked for"));
    }
    let refresh = tokens.refresh_token().map(|it| Secret::new(it.secret().as_str()));
    let grant = Grant {
        access: Secret::new(tokens.access_token().secret().as_str()),
        refresh: refresh.or_else(|| before.cloned()),
        token_endpoint,
        client_id: application.client_id.clone(),
        client_secret: application.client_secret.clone(),
        proof_key: proof_key.clone(),
    };
    let now = wire.running.now();
    let expire_time = tokens.expires_in().and_then(|it| now.checked_add(it.try_into().ok()?));
    Ok(Fresh { kept: Kept::Grant(grant), expire_time })
}

fn client(
    application: &Application,
    authorization: &Url,
    token: &Url,
    redirect_uri: &str,
) -> Result<OAuth, Problem> {
    let redirect = RedirectUrl::new(redirect_uri.to_owned())
        .map_err(|_| refused("nobody can be sent back to that address"))?;
    let client = Client::new(ClientId::new(application.client_id.clone()))
        // What every server takes. RFC 6749 lets them do without the other one.
        .set_auth_type(AuthType::RequestBody)
        .set_auth_uri(AuthUrl::from_url(authorization.clone()))
        .set_token_uri(TokenUrl::from_url(token.clone()))
        .set_redirect_uri(redirect);
    Ok(match &application.client_secret {
        Some(secret) => client.set_client_secret(ClientSecret::new(secret.expose().to_owned())),
        None => client,
    })
}

async fn send(
    wire: &Wire,
    request: HttpRequest,
    proof_key: Option<&Secret>,
) -> Result<Answered, Unasked> {
    match proof_key.and_then(ProofKey::of) {
        Some(key) => wire.send_proven(request, &key).await,
        None => wire.send(&request).await,
    }
}

/// Sends what `oauth2` writes.
struct Sender<'a> {
    wire: &'a Wire,
    proof_key: Option<&'a Secret>,
}

impl<'c> AsyncHttpClient<'c> for Sender<'_> {
    type Error = Unasked;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, Unasked>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(async move {
            let answered = send(self.wire, request, self.proof_key).await?;
            let Answered { status, headers, body } = answered;
            let mut response = HttpResponse::new(body);
            *response.status_mut() = status;
            *response.headers_mut() = headers;
            Ok(response)
        })
    }
}

fn read_pushed(answered: &Answered) -> Result<String, Problem> {
    #[derive(Deserialize)]
    struct Left {
        request_uri: String,
    }
    const WHAT: &str = "what the server says of the request for access";
    let answer = answered.as_answer();
    if answer.is_success() {
        return Ok(answer.json::<Left>(WHAT)?.request_uri);
    }
    match serde_json::from_slice::<BasicErrorResponse>(&answered.body) {
        Ok(said) if answer.status < 500 => Err(said_no(&said)),
        Ok(_) | Err(_) => Err(unusable(answer.status)),
    }
}

/// Why there are no tokens. What a server says that is no error by its status is read as well.
fn problem(error: RequestTokenError<Unasked, BasicErrorResponse>) -> Problem {
    match error {
        RequestTokenError::ServerResponse(said) => said_no(&said),
        RequestTokenError::Request(unasked) => unasked.into(),
        RequestTokenError::Parse(error, body) => match serde_json::from_slice(&body) {
            Ok(said) => said_no(&said),
            // The body may hold half of a token: no word of it is told.
            Err(_) => Trouble::Malformed {
                what: "the access that the server gave",
                problem: format!("at {}", error.path()),
            }
            .into(),
        },
        RequestTokenError::Other(_) => unusable(502),
    }
}

fn said_no(said: &StandardErrorResponse<BasicErrorResponseType>) -> Problem {
    let name = said.error().as_ref();
    if matches!(name, "temporarily_unavailable" | "server_error" | "slow_down") {
        return unusable(503);
    }
    // The name alone: what else is said may repeat what we said.
    refused(&format!("it answers {}", word(name)))
}

/// A name of an error, if it is one.
fn word(name: &str) -> &str {
    let may = |it: u8| it.is_ascii_lowercase() || it == b'_';
    if name.len() <= 64 && name.bytes().all(may) { name } else { "an error that has no name" }
}

fn unusable(status: u16) -> Problem {
    let status = if status >= 500 { status } else { 502 };
    Trouble::Unavailable { status }.into()
}
