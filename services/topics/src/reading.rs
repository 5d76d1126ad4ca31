//! Reads posts of members with the ontology in use.
//!
//! What a post is about does not depend on when it is read: by its words alone and what its author declared, and
//! once more with what the author's posts are about by their words alone, as the last pass found out. When that
//! changes, or what is declared, or the ontology, posts are read again.

use std::{
    collections::{BTreeMap, BTreeSet},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use klout_chassis::failpoint;
use klout_model::TopicId;
use klout_topic_math::words::{PostTopic, Words};
use sqlx::PgPool;
use tokio::{sync::Notify, task::spawn_blocking};
use tracing::{instrument, warn};

use crate::{
    batch::PostKey,
    error::Error,
    metrics::Metrics,
    ontologies::{Current, Ontologies},
    store::{self, post::Unread, post_topic::NewTopic},
};

/// Posts read in one transaction: at 64 KiB each no more than a few hundred milliseconds of work.
const POSTS_MAX: i64 = 256;

/// What reading needs.
#[derive(Clone, Debug)]
pub(crate) struct PostReader {
    pub(crate) db: PgPool,
    pub(crate) ontologies: Ontologies,
    /// Rung when posts were read.
    pub(crate) people_changed: Arc<Notify>,
    pub(crate) metrics: Arc<Metrics>,
}

/// What is known of an author.
#[derive(Clone, Debug, Default)]
struct Author {
    declared: Vec<TopicId>,
    /// What was declared, and what the author's posts are about.
    known_for: Vec<TopicId>,
}

// === impl PostReader ===

impl PostReader {
    /// Reads some posts. Returns whether there were any.
    #[instrument(name = "read_posts", skip_all)]
    pub(crate) async fn step(&self) -> Result<bool, Error> {
        let store = Error::store;
        let current = self.ontologies.current().await?;
        let mut transaction = self.db.begin().await.map_err(store("begin to read posts"))?;
        let connection = &mut *transaction;
        let in_use = store::edition::hold(&mut *connection).await;
        if in_use.map_err(store("hold the ontology in use"))? != Some(current.in_use) {
            return Ok(true);
        }
        store::plan_anew(&mut *connection).await.map_err(store("plan anew"))?;
        let generation = current.in_use.generation;
        let posts = store::post::take_unread(&mut *connection, generation, POSTS_MAX)
            .await
            .map_err(store("look for posts to read"))?;
        if posts.is_empty() {
            return Ok(false);
        }
        let keys: Vec<PostKey> = posts.iter().map(|it| (it.account, it.hash, it.signal)).collect();
        let people: BTreeSet<i64> = posts.iter().map(|it| it.person).collect();
        let of_people: Vec<i64> = people.iter().copied().collect();
        let known = store::person::named(&mut *connection, &of_people).await;
        let declared = store::said::declared(&mut *connection, &of_people).await;
        let authors = authors(
            &current,
            &known.map_err(store("read what authors are known for"))?,
            &declared.map_err(store("read what authors declared"))?,
        );
        let topics = spawn_blocking(move || topics(&current, &posts, &authors));
        let topics = topics.await.map_err(Error::Lost)?;
        store::post_topic::renew(&mut *connection, &keys, &topics)
            .await
            .map_err(store("write what posts are about"))?;
        store::post::mark_read(&mut *connection, &keys, generation)
            .await
            .map_err(store("note what was read"))?;
        store::dirty_person::mark(&mut *connection, &people)
            .await
            .map_err(store("mark people dirty"))?;
        failpoint!("topics.posts.written");
        transaction.commit().await.map_err(store("commit what posts are about"))?;
        failpoint!("topics.posts.committed");
        self.metrics.posts_read.increment(keys.len() as u64);
        self.people_changed.notify_one();
        Ok(true)
    }
}

fn authors(
    current: &Current,
    known: &[store::person::Person],
    declared: &[store::said::Declared],
) -> BTreeMap<i64, Author> {
    let mut authors: BTreeMap<i64, Author> = BTreeMap::new();
    for it in declared {
        authors.entry(it.person).or_default().declared.extend(current.topics([it.topic]));
    }
    for it in known {
        let author = authors.entry(it.person).or_default();
        let known_for: BTreeSet<TopicId> = current
            .topics(it.known_for.iter().copied())
            .chain(author.declared.iter().copied())
            .collect();
        author.known_for = known_for.into_iter().collect();
    }
    authors
}

/// What posts are about.
fn topics(current: &Current, posts: &[Unread], authors: &BTreeMap<i64, Author>) -> Vec<NewTopic> {
    let nobody = Author::default();
    let there = posts.iter().filter(|post| post.told > 0);
    let of_each = there.flat_map(|post| {
        let author = authors.get(&post.person).unwrap_or(&nobody);
        // A post that cannot be read is about nothing: all others would wait for it for ever.
        let read = catch_unwind(AssertUnwindSafe(|| topics_of(current, post, author)));
        read.unwrap_or_else(|_| {
            warn!(account = post.account, post = %post.hash, "a post cannot be read");
            Vec::new()
        })
    });
    of_each.collect()
}

fn topics_of(current: &Current, post: &Unread, author: &Author) -> Vec<NewTopic> {
    let words = Words {
        text: post.text.as_deref().unwrap_or(""),
        links: &post.links,
        tags: &post.tags,
        language: None,
    };
    let matched = |known_for: &[TopicId]| -> Vec<PostTopic> {
        let mut topics = current.matcher.topics(&words, known_for);
        topics.retain(|it| current.may_tell(it.topic, &author.declared));
        topics
    };
    let alone = matched(&author.declared);
    let known = if author.known_for == author.declared {
        alone.clone()
    } else {
        matched(&author.known_for)
    };
    let mut topics: BTreeMap<TopicId, NewTopic> = BTreeMap::new();
    let post = (post.account, post.hash, post.signal);
    for it in known {
        let topic = it.topic.bits();
        let new = NewTopic { post, topic, weight: it.weight, alone: 0.0, words: it.words };
        topics.insert(it.topic, new);
    }
    for it in alone {
        let topic = it.topic.bits();
        let new = || NewTopic { post, topic, weight: 0.0, alone: 0.0, words: it.words };
        topics.entry(it.topic).or_insert_with(new).alone = it.weight;
    }
    topics.into_values().collect()
}
