//! What `klout up` shows when it is ready.

use klout_chassis::Running;
use klout_proto::{
    graph::v1::BatchGetPeopleRequest,
    score::v1::{ListTopScoresRequest, Score},
};

use crate::{
    client::Client, data_directory::DataDirectory, exit::Failure, names::Names, printable,
};

/// How many of the highest scores are shown.
const TOP: i32 = 10;

/// Where it answers: a line that scripts may wait for.
pub(crate) fn ready(running: &Running) {
    let http = running
        .http_address
        .map_or_else(String::new, |address| format!(", the gateway on http://{address}"));
    eprintln!("klout: ready: gRPC on {}{http}", running.grpc_address);
}

/// What there is to see, and what to try next.
pub(crate) async fn welcome(client: &Client, directory: &DataDirectory) -> Result<(), Failure> {
    let request = ListTopScoresRequest { page_size: TOP, ..Default::default() };
    let top = client.scores().list_top_scores(request).await?.into_inner().scores;
    let people = top.iter().map(|score| score.person.clone()).collect();
    let response = client.graph().batch_get_people(BatchGetPeopleRequest { people }).await?;
    let names = Names::of(response.into_inner().people);
    let klout = command(directory);

    let mut lines = vec![String::new()];
    lines.push(format!("  Pages and REST   {}", client.server()));
    lines.push(format!("  Data             {}", directory.path().display()));
    lines.push(format!("  Key              {}", directory.path().join("operator.key").display()));
    if let Some(time) = directory.as_of()? {
        lines.push(format!("  Clock            pinned to {time}"));
    }
    lines.push(String::new());
    match top.first() {
        Some(best) => {
            lines.push("  The highest scores".to_owned());
            lines.extend(top.iter().map(|score| row(score, &names)));
            lines.push(String::new());
            lines.push("  Try next".to_owned());
            let subject = names.subject(&best.person).unwrap_or_else(|| best.person.clone());
            // A handle may have what a shell takes apart, and what a terminal obeys.
            let subject = quoted(&printable::on_one_line(&subject));
            lines.push(format!("    {klout} score {subject}"));
            lines.push(format!("    {klout} explain {subject}"));
            lines.push(format!("    {klout} history {subject}"));
            lines.push(format!("    {klout} export --top 20"));
        }
        None => {
            lines.push("  Nobody has a score yet. Try next".to_owned());
            lines.push(format!("    {klout} import csv FILE --register-all"));
            lines.push(format!("    {klout} doctor"));
        }
    }
    lines.push(String::new());
    eprintln!("{}", lines.join("\n"));
    Ok(())
}

fn row(score: &Score, names: &Names) -> String {
    let points = score.score.unwrap_or_default();
    format!("    {points:>5.1}  {}", printable::shortened(&names.all(&score.person)))
}

/// How this binary can be called from where it was called, for that directory.
fn command(directory: &DataDirectory) -> String {
    let on_path = std::env::var_os("PATH").is_some_and(|path| {
        let own = std::env::current_exe().ok();
        let first = std::env::split_paths(&path).map(|it| it.join("klout")).find(|it| it.is_file());
        own.is_some() && first.and_then(|first| first.canonicalize().ok()) == own
    });
    let mut command = if on_path {
        "klout".to_owned()
    } else {
        std::env::args().next().map_or_else(|| "klout".to_owned(), |it| quoted(&it))
    };
    let default = DataDirectory::default_path().ok().and_then(|path| path.canonicalize().ok());
    if default.as_deref() != Some(directory.path()) {
        let path = directory.path().display().to_string();
        command = format!("KLOUT_DATA_DIR={} {command}", quoted(&path));
    }
    command
}

/// As a shell takes it.
fn quoted(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-+:=@".contains(&byte);
    if text.bytes().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_quoted_if_a_shell_would_take_it_apart() {
        assert_eq!(quoted("target/release/klout"), "target/release/klout");
        assert_eq!(quoted("my data"), "'my data'");
        assert_eq!(quoted("it's"), r"'it'\''s'");
    }
}
