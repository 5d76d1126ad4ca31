//! `klout experts`: who is influential on what, from files alone, without a server or a database.

mod people;
mod signals;

use std::{
    io::{self, Write},
    path::PathBuf,
};

use klout_model::TopicId;
use klout_ontology::Ontology;
use klout_score_math::Model;
use klout_topic_math::{
    expertise::Expertise,
    standing::{Standing, standings},
};
use time::OffsetDateTime;

use self::{
    people::{Member, Reader, members},
    signals::Signals,
};
use crate::{
    arguments,
    exit::Failure,
    ontology_files,
    output::ResultFile,
    sources::{self, FileFormat},
};

/// Says who is influential on what, from files alone, without a server or a database.
///
/// Writes topic,slug,network,account,score,strength,rank,percentile,people,posts,written,reacted,said,
/// influencers: of each topic everybody who is shown in it, best first. A topic is shown with enough evidence, from
/// enough people; docs/topics.md says how much. The same signals give the same bytes in any order.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
The formats are those of klout import. Without text, as in CSV rows, tags alone tell what a post is about.

Examples:
  klout experts stackexchange quantumcomputing.stackexchange.com --as-of 2018-06-01T00:00:00Z --out experts.csv
  klout experts signals posts.jsonl --as-of 2026-11-01T00:00:00Z --topic gardening --out -
  klout experts signals posts.jsonl --as-of 2026-11-01T00:00:00Z --ontology our-topics --out experts.csv")]
pub(crate) struct Experts {
    /// What the files are
    #[arg(value_enum, value_name = "FORMAT")]
    format: FileFormat,
    /// Files, folders of them, or - for stdin
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// The time to compute at, inclusive, such as 2018-06-01T00:00:00Z
    #[arg(long, value_name = "TIME", value_parser = arguments::time)]
    as_of: OffsetDateTime,
    /// A folder with the files of an ontology [default: the one that ships]
    #[arg(long, value_name = "DIR")]
    ontology: Option<PathBuf>,
    /// Only this topic, by slug or id
    #[arg(long, value_name = "TOPIC")]
    topic: Option<String>,
    /// The accounts whose owners joined (network,account), who alone are listed; without it, all
    #[arg(long, value_name = "FILE")]
    registered: Option<PathBuf>,
    /// Of a dump, what every native id begins with [default: what the folder or archive is called]
    #[arg(long, value_name = "NAME")]
    site: Option<String>,
    /// Goes by how authors tagged their posts, and reads no text
    #[arg(long)]
    tags_only: bool,
    /// Also lists whose evidence is not enough to be shown, without a rank
    #[arg(long)]
    all: bool,
    /// Where to write; - is stdout
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

/// The columns of a file of experts.
const COLUMNS: [&str; 14] = [
    "topic",
    "slug",
    "network",
    "account",
    "score",
    "strength",
    "rank",
    "percentile",
    "people",
    "posts",
    "written",
    "reacted",
    "said",
    "influencers",
];

/// Somebody and a topic.
struct Row<'a> {
    member: &'a Member,
    expertise: &'a Expertise,
    /// Of who is shown.
    standing: Option<Standing>,
}

// === impl Experts ===

impl Experts {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let ontology = ontology_files::read(self.ontology.as_deref())?;
        let topic = match &self.topic {
            Some(name) => Some(find(&ontology, name)?),
            None => None,
        };
        let registered = match &self.registered {
            Some(file) => Some(sources::registered(file)?.into_keys().collect::<Vec<_>>()),
            None => {
                eprintln!(
                    "klout: without --registered every account counts as registered, and nothing \
                     resists fakes"
                );
                None
            }
        };
        let mut signals = Signals::default();
        for reader in self.format.open(&self.paths, self.site.as_deref())?.readers {
            signals.read(reader.map_err(|error| Failure::failed(&error))?, self.as_of)?;
        }
        for (reason, count) in &signals.left_out {
            eprintln!("{} {count}", reason.as_str());
        }
        let reader = Reader::new(ontology, self.tags_only);
        let members = members(Model::current(), &reader, &signals, registered.as_deref());
        let rows = rows(&members, topic, self.all);
        let mut file = ResultFile::create(&self.out)?;
        let written = write(&mut file, reader.ontology(), &rows);
        written.map_err(|error| file.failed(&error))?;
        file.keep()?;
        eprintln!("klout: {} rows, {} accounts", rows.len(), members.len());
        Ok(())
    }
}

fn find(ontology: &Ontology, name: &str) -> Result<TopicId, Failure> {
    let unknown = || Failure::Failed(format!("{name}: there is no such topic"));
    ontology.find(name).map(|it| it.id).ok_or_else(unknown)
}

/// In the order of topics, then the highest score first, then by name. Who is not shown comes after who is.
fn rows(members: &[Member], topic: Option<TopicId>, all: bool) -> Vec<Row<'_>> {
    let mut rows: Vec<Row<'_>> = members
        .iter()
        .flat_map(|member| {
            let expertise = member.expertise.iter();
            expertise.map(move |expertise| Row { member, expertise, standing: None })
        })
        .filter(|it| topic.is_none_or(|topic| it.expertise.topic == topic))
        .filter(|it| all || it.expertise.is_shown())
        .collect();
    rows.sort_by(|one, next| {
        let key = |it: &Row<'_>| (it.expertise.topic, !it.expertise.is_shown());
        let by_score = next.expertise.score.total_cmp(&one.expertise.score);
        let by_name = one.member.account.cmp(&next.member.account);
        key(one).cmp(&key(next)).then(by_score).then(by_name)
    });
    for of_topic in rows.chunk_by_mut(|one, next| one.expertise.topic == next.expertise.topic) {
        let shown = of_topic.partition_point(|it| it.expertise.is_shown());
        let scores: Vec<_> = of_topic[..shown].iter().map(|it| it.expertise.score).collect();
        for (row, standing) in of_topic.iter_mut().zip(standings(&scores)) {
            row.standing = Some(standing);
        }
    }
    rows
}

fn write(output: impl Write, ontology: &Ontology, rows: &[Row<'_>]) -> io::Result<()> {
    let mut writer = csv::Writer::from_writer(output);
    writer.write_record(COLUMNS)?;
    for Row { member, expertise: it, standing } in rows {
        let slug = ontology.get(it.topic).map_or("", |topic| topic.slug.as_str());
        let (rank, percentile) = standing
            .map_or_else(Default::default, |it| (it.rank.to_string(), it.percentile.to_string()));
        // `Display` of a float is its shortest form that reads back as the same float.
        writer.write_record([
            it.topic.to_string().as_str(),
            slug,
            member.account.network.as_str(),
            member.account.native_id.as_str(),
            &it.score.to_string(),
            &it.strength.to_string(),
            &rank,
            &percentile,
            &it.people.to_string(),
            &it.posts.to_string(),
            &it.written.to_string(),
            &it.reacted.to_string(),
            &it.said.to_string(),
            &it.influencers.to_string(),
        ])?;
    }
    writer.flush()
}
