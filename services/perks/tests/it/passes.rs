use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header, jwk::JwkSet};
use klout_chassis::reason;
use klout_proto::perk::v1::{
    DecideCheckInRequest, GetPassKeysRequest, Guest, IssuePassRequest, IssuePassResponse,
    VerifyPassRequest, VerifyPassResponse,
};
use tonic::Status;

use crate::hotel::{Hotel, check_in};

async fn issue(hotel: &Hotel, person: &str) -> Result<IssuePassResponse, Status> {
    let request = IssuePassRequest { person: person.to_owned(), valid_duration: None };
    hotel.desk().issue_pass(request).await.map(tonic::Response::into_inner)
}

async fn verify(hotel: &Hotel, pass: &str) -> Result<VerifyPassResponse, Status> {
    let request = VerifyPassRequest { pass: pass.to_owned() };
    hotel.desk().verify_pass(request).await.map(tonic::Response::into_inner)
}

fn with_pass(stay: &str, pass: &str) -> DecideCheckInRequest {
    let guest = Guest { pass: pass.to_owned(), ..Default::default() };
    DecideCheckInRequest { guest: Some(guest), ..check_in(stay, "") }
}

#[tokio::test]
async fn a_pass_says_what_the_score_is_to_us_and_to_whoever_has_the_keys() {
    let hotel = Hotel::open().await;
    let issued = issue(&hotel, "71").await.expect("a pass");
    let claims = issued.claims.clone().expect("what it says");
    assert_eq!(
        (claims.person.as_str(), claims.score, claims.bucket.as_str()),
        ("71", 72.0, "70-79")
    );
    assert!(issued.qr_svg.contains("<svg"));
    assert_eq!(verify(&hotel, &issued.pass).await.expect("ours").claims, issued.claims);

    let keys = hotel.desk().get_pass_keys(GetPassKeysRequest {}).await.expect("keys").into_inner();
    let keys: JwkSet = serde_json::from_str(&keys.jwks).expect("a key set");
    let name = decode_header(&issued.pass).expect("a header").kid.expect("a name");
    let key = DecodingKey::from_jwk(keys.find(&name).expect("its key")).expect("a key");
    let mut validation = Validation::new(Algorithm::EdDSA);
    validation.set_audience(&["klout-pass"]);
    validation.set_issuer(&["klout"]);
    let said = decode::<serde_json::Value>(&issued.pass, &key, &validation).expect("valid").claims;
    assert_eq!((said["sub"].as_str(), said["score"].as_f64()), (Some("71"), Some(72.0)));
}

#[tokio::test]
async fn a_pass_is_for_members_with_a_score_and_for_minutes() {
    let hotel = Hotel::open().await;
    let why = |status: Status| reason(&status).unwrap_or_default();
    assert_eq!(why(issue(&hotel, "99").await.expect_err("nobody")), "PERSON_UNKNOWN");
    assert_eq!(why(issue(&hotel, "ada").await.expect_err("no person")), "FIELD_INVALID");
    for seconds in [9, 601] {
        let valid_duration = Some(prost_types::Duration { seconds, nanos: 0 });
        let request = IssuePassRequest { person: "71".to_owned(), valid_duration };
        let status = hotel.desk().issue_pass(request).await.expect_err("too short or long");
        assert_eq!(why(status), "FIELD_INVALID");
    }
    hotel.members.withhold("ada@example.org", "perks");
    assert_eq!(why(issue(&hotel, "71").await.expect_err("no consent")), "PERSON_UNKNOWN");
}

#[tokio::test]
async fn a_pass_of_somebody_who_has_left_is_worth_nothing() {
    let hotel = Hotel::open().await;
    let pass = issue(&hotel, "71").await.expect("a pass").pass;
    hotel.tell_state(71, 1, "OPTED_OUT", &[]).await;
    let status = verify(&hotel, &pass).await.expect_err("refused");
    assert_eq!(reason(&status).as_deref(), Some("PASS_INVALID"));
    let status = verify(&hotel, "no.pass.at-all").await.expect_err("refused");
    assert_eq!(reason(&status).as_deref(), Some("PASS_INVALID"));
}

#[tokio::test]
async fn a_pass_of_somebody_who_was_merged_is_theirs_who_they_are_now() {
    let (hotel, _) = Hotel::with_offer().await;
    let pass = issue(&hotel, "71").await.expect("a pass").pass;
    hotel.members.join("ada@home.example", 75, 72.0);
    hotel.tell_merged(71, 1, 75).await;
    let claims = verify(&hotel, &pass).await.expect("still valid").claims.expect("what it says");
    assert_eq!((claims.person.as_str(), claims.score), ("75", 72.0));
    hotel.way_to_scoring.cut();
    // Their score cannot be asked for, so that of the pass decides.
    let answer = hotel.decide(with_pass("S-1", &pass)).await;
    assert_eq!((answer.outcome.as_str(), answer.recorded), ("OFFER", true), "{answer:?}");
    let whose: i64 = sqlx::query_scalar("select person_id from perks.grant")
        .fetch_one(&hotel.stores.db().await)
        .await
        .expect("one");
    assert_eq!(whose, 75);
    // Who they are now has left.
    hotel.tell_state(75, 2, "OPTED_OUT", &[]).await;
    let status = verify(&hotel, &pass).await.expect_err("refused");
    assert_eq!(reason(&status).as_deref(), Some("PASS_INVALID"));
    let answer = hotel.decide(with_pass("S-2", &pass)).await;
    assert_eq!((answer.reason.as_str(), answer.recorded), ("GUEST_UNKNOWN", false));
}

#[tokio::test]
async fn a_desk_takes_a_pass_also_when_scoring_does_not_answer() {
    let (hotel, _) = Hotel::with_offer().await;
    let pass = issue(&hotel, "71").await.expect("a pass").pass;
    let answer = hotel.decide(with_pass("S-1", &pass)).await;
    assert_eq!((answer.outcome.as_str(), answer.stale), ("OFFER", false));
    // Another pass of the same guest asks about the same stay.
    let newer = issue(&hotel, "71").await.expect("a pass").pass;
    assert!(hotel.decide(with_pass("S-1", &newer)).await.is_repeat);

    hotel.way_to_scoring.cut();
    let answer = hotel.decide(with_pass("S-2", &pass)).await;
    assert_eq!((answer.outcome.as_str(), answer.stale), ("OFFER", false));
    hotel.tell_state(71, 1, "OPTED_OUT", &[]).await;
    let answer = hotel.decide(with_pass("S-3", &pass)).await;
    assert_eq!((answer.reason.as_str(), answer.recorded), ("GUEST_UNKNOWN", false));
}
