//! What an answer says that is none. The status alone says nothing: most of it is a 400.

use serde::Deserialize;
use time::OffsetDateTime;

use crate::{Answer, Server, Trouble, waiting::wait};

/// In bytes, of what we tell of what a server says.
const MESSAGE_LENGTH_MAX: usize = 200;

/// What the servers of the AT protocol answer with when they refuse.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Refusal {
    error: String,
    message: String,
}

/// Whether an answer is one.
///
/// # Errors
///
/// Why it is none.
pub(super) fn check(
    answer: &Answer<'_>,
    server: Server,
    now: OffsetDateTime,
) -> Result<(), Trouble> {
    if answer.is_success() {
        return Ok(());
    }
    // Whoever stands before the server may answer in its place, and say nothing that can be read.
    let refusal: Refusal = serde_json::from_slice(answer.body).unwrap_or_default();
    Err(trouble(answer, &refusal, server, now))
}

fn trouble(answer: &Answer<'_>, refusal: &Refusal, server: Server, now: OffsetDateTime) -> Trouble {
    let status = answer.status;
    match refusal.error.as_str() {
        "RateLimitExceeded" => Trouble::RateLimited { until: wait(answer, now) },
        // With a nonce the same is asked again. What is invalid has expired, or is found out when it is renewed.
        "ExpiredToken" | "use_dpop_nonce" | "invalid_token" => Trouble::AccessExpired,
        "AccountDeactivated" | "AccountTakedown" | "AccountSuspended" | "AccountNotFound"
        | "RepoDeactivated" | "RepoTakendown" | "RepoNotFound" => Trouble::AccountGone,
        "InvalidRequest" if says_gone(&refusal.message) => Trouble::AccountGone,
        "NotFound" if status < 500 => Trouble::ItemGone,
        _ if status == 429 => Trouble::RateLimited { until: wait(answer, now) },
        "InvalidToken"
        | "AuthMissing"
        | "AuthenticationRequired"
        | "InsufficientScope"
        | "insufficient_scope" => access_refused(refusal, server, status),
        _ if matches!(status, 401 | 403) => access_refused(refusal, server, status),
        _ if status == 400 => Trouble::Malformed {
            what: "the refusal",
            problem: short(&format!("{}: {}", refusal.error, refusal.message)),
        },
        _ => Trouble::Unavailable { status },
    }
}

/// Of whom everybody may ask, a refusal is no matter of access: there is none to renew.
fn access_refused(refusal: &Refusal, server: Server, status: u16) -> Trouble {
    match server {
        Server::Public => Trouble::Unavailable { status },
        Server::Own | Server::Either => Trouble::AccessRefused {
            message: short(&format!("{}: {}", refusal.error, refusal.message)),
        },
    }
}

/// What the AppView says of accounts that it does not show, whatever the reason.
fn says_gone(message: &str) -> bool {
    ["Profile not found", "Actor not found", "Account not found", "Could not find user"]
        .iter()
        .any(|start| message.starts_with(start))
}

/// The beginning of it, without what may not be shown.
fn short(text: &str) -> String {
    let text: String = text.chars().filter(|it| !it.is_control()).collect();
    let end = text.floor_char_boundary(MESSAGE_LENGTH_MAX);
    text[..end].to_owned()
}
