use klout_chassis::{Caller, Seen};
use klout_model::PersonId;
use klout_proto::topic::v1::{SuggestContentRequest, SuggestContentResponse, SuggestedContent};

use super::{TopicRpc, explain_person_topic::EXCERPT_CHARS_MAX, page, parse, show};
use crate::{
    error::Error,
    evidence::Window,
    sharing,
    store::{self, person_state::sees},
};

pub(super) async fn suggest_content(
    rpc: &TopicRpc,
    caller: &Caller,
    request: SuggestContentRequest,
) -> Result<SuggestContentResponse, Error> {
    let language = parse::language(&request.language)?;
    let size = page::size(request.page_size, 10, 50)?;
    let member = parse::member(rpc, caller.purpose(), &request.person).await?;
    let person = member.get();
    let current = rpc.ontologies.current().await?;
    let topic = match request.topic.as_str() {
        "" => None,
        topic => Some(parse::topic(rpc, &current, topic).await?),
    };
    let window = Window::of(&rpc.gatherer.clock);
    let wanted = sharing::wanted(&rpc.db, &current, person, topic).await?;
    let mut found = sharing::suggest(&rpc.db, &current, window, person, &wanted).await?;
    found.truncate(size);
    let accounts: Vec<i64> = found.iter().map(|it| it.best.0).collect();
    let hashes: Vec<_> = found.iter().map(|it| it.best.1).collect();
    let said = store::post::said(&rpc.db, &accounts, &hashes, &[], EXCERPT_CHARS_MAX).await;
    let said = said.map_err(Error::store("read posts"))?;
    // Who left meanwhile is not quoted either.
    let authors: Vec<i64> = found.iter().map(|it| it.person).collect();
    let standings = store::person_state::find(&rpc.db, &authors).await;
    let standings = standings.map_err(Error::store("look who is a member"))?;
    found.retain(|it| sees(caller.purpose(), &standings, it.person));
    let content = found.into_iter().filter_map(|it| {
        // Who took the post back meanwhile is not quoted.
        let post = said.iter().find(|post| (post.account, post.hash) == it.best)?;
        Some(SuggestedContent {
            link: it.link,
            person: PersonId::new(it.person)?.to_string(),
            network: it.network,
            excerpt: post.excerpt.clone().unwrap_or_default(),
            topics: it.topics.iter().map(|it| show::topic(&current, *it, language)).collect(),
            reason: it.suggested.reason.as_str().to_owned(),
            explanation: it.suggested.explanation,
            people: it.people.into(),
            first_day: window.date(it.first_day),
        })
    });
    rpc.lookups.note(caller, Seen::Suggestions, member);
    Ok(SuggestContentResponse { content: content.collect() })
}
