//! `klout tag`: topics of posts from files alone, without a server or a database.

use std::{collections::BTreeMap, path::PathBuf};

use klout_import::Found;
use klout_proto::signal::v1::{Post, signal::Content};
use klout_topic_math::words::{Matcher, PostTopic, Words};

use crate::{
    exit::Failure,
    ontology_files, output,
    output::ResultFile,
    sources::{FileFormat, Sources},
};

/// Tells what posts are about, without a server or a database.
///
/// Reads the posts of files, looks for the names and keywords of topics in their texts, tags and links, and
/// writes network,account,post,topic,slug,weight,words: a row for each topic of a post, the heaviest first.
/// `weight`, up to 1, is how much of the post is about it; `words` are what said so, as they stand there, with
/// `; ` between them. A post about nothing that the ontology knows has no row. Topics that tell of somebody's
/// health, religion, sex life, politics or ethnic origin are left out, as nobody declared any.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
FORMAT is one that klout import takes and that has posts with texts:
  signals          JSON Lines, one klout.signal.v1.Signal a line
  csv              time,network,account,post,text (+ id)
  stackexchange    a dump of a site

Examples:
  klout tag csv posts.csv.gz --out topics.csv
  klout tag stackexchange quantumcomputing.stackexchange.com.7z --ignore-tags | head
  my-exporter | klout tag signals - --ontology our-topics

docs/topics-words.md tells how a text becomes topics.")]
pub(crate) struct TagPosts {
    /// What the files are
    #[arg(value_enum, value_name = "FORMAT")]
    format: FileFormat,
    /// Files, folders of them, or - for stdin
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// The topics, as klout import topic-ontology takes them [default: those that come with klout]
    #[arg(long, value_name = "DIR")]
    ontology: Option<PathBuf>,
    /// Goes by texts and links alone, as if nobody had tagged their posts
    #[arg(long)]
    ignore_tags: bool,
    /// The site of a dump of Stack Exchange [default: what its folder or archive is called]
    #[arg(long, value_name = "NAME")]
    site: Option<String>,
    /// Where to write the topics; - is stdout
    #[arg(long, value_name = "FILE", default_value = "-")]
    out: PathBuf,
}

const COLUMNS: [&str; 7] = ["network", "account", "post", "topic", "slug", "weight", "words"];

/// What became of all rows.
#[derive(Debug, Default)]
struct Totals {
    posts: u64,
    tagged: u64,
    topics: u64,
    sensitive: u64,
    left_out: BTreeMap<&'static str, u64>,
}

// === impl TagPosts ===

impl TagPosts {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let sources = self.format.open(&self.paths, self.site.as_deref())?;
        let matcher = Matcher::new(ontology_files::read(self.ontology.as_deref())?);
        let file = ResultFile::create(&self.out)?;
        let mut writer = csv::Writer::from_writer(file);
        let totals = self.tag(&matcher, sources, &mut writer)?;
        let file = writer.into_inner().map_err(|error| Failure::failed(error.error()))?;
        file.keep()?;
        totals.tell();
        Ok(())
    }

    fn tag(
        &self,
        matcher: &Matcher,
        sources: Sources,
        writer: &mut csv::Writer<ResultFile>,
    ) -> Result<Totals, Failure> {
        let failed = |error| Failure::failed(&error);
        let template = "[{bar:30}] {bytes}/{total_bytes} {bytes_per_sec} {eta} left, {msg}";
        let bar = output::progress(sources.bytes, template);
        let mut totals = Totals::default();
        writer.write_record(COLUMNS).map_err(unwritten)?;
        let mut before = 0;
        for reader in sources.readers {
            let mut reader = reader.map_err(failed)?;
            let position = reader.position();
            let mut entries = 0_u64;
            while let Some(entry) = reader.next_entry().map_err(failed)? {
                entries += 1;
                if entries.is_multiple_of(256) {
                    bar.set_position(before + position.bytes());
                    bar.set_message(format!("{} posts", totals.posts));
                }
                let signal = match entry.found {
                    Found::Signal(signal) => signal,
                    Found::Rejected { reason, .. } => {
                        *totals.left_out.entry(reason.as_str()).or_default() += 1;
                        continue;
                    }
                    Found::NoReaction | Found::Noted => continue,
                };
                if let Some(Content::Post(post)) = &signal.content {
                    let topics = totals.of(matcher, post, self.ignore_tags);
                    write(writer, matcher, (&signal.network, post), &topics).map_err(unwritten)?;
                }
            }
            before += position.bytes();
        }
        bar.finish_and_clear();
        Ok(totals)
    }
}

// === impl Totals ===

impl Totals {
    /// What a post is about.
    fn of(&mut self, matcher: &Matcher, post: &Post, ignore_tags: bool) -> Vec<PostTopic> {
        let words = Words {
            text: post.text.as_deref().unwrap_or_default(),
            links: &post.links,
            tags: if ignore_tags { &[] } else { &post.tags },
            language: None,
        };
        let mut topics = matcher.topics(&words, &[]);
        let all = topics.len();
        topics.retain(|it| !matcher.ontology().is_sensitive(it.topic));
        self.posts += 1;
        self.tagged += u64::from(!topics.is_empty());
        self.topics += topics.len() as u64;
        self.sensitive += (all - topics.len()) as u64;
        topics
    }

    fn tell(&self) {
        for (reason, count) in &self.left_out {
            eprintln!("{reason} {count}");
        }
        let Self { posts, tagged, topics, sensitive, .. } = self;
        eprintln!(
            "klout: {posts} posts, {tagged} of them about something, {topics} topics; sensitive \
             and left out {sensitive}"
        );
    }
}

fn write(
    writer: &mut csv::Writer<ResultFile>,
    matcher: &Matcher,
    (network, post): (&str, &Post),
    topics: &[PostTopic],
) -> Result<(), csv::Error> {
    let account = post.account.as_ref().map_or("", |it| &it.native_id);
    for PostTopic { topic, weight, words } in topics {
        let slug = matcher.ontology().get(*topic).map_or("", |it| &it.slug);
        let (topic, weight) = (topic.to_string(), format!("{weight:.3}"));
        let words = words.join("; ");
        writer.write_record([network, account, &post.post, &topic, slug, &weight, &words])?;
    }
    Ok(())
}

fn unwritten(error: csv::Error) -> Failure {
    if let csv::ErrorKind::Io(_) = error.kind()
        && let csv::ErrorKind::Io(error) = error.into_kind()
    {
        return output::failed(error);
    }
    Failure::Failed("could not print a row".to_owned())
}
