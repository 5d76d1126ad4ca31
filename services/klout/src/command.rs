//! The commands, and what `--help` says of them.

use clap::{Parser, Subcommand};

use crate::{
    attack::Attack,
    bench::Bench,
    campaign::Campaigns,
    check_in::CheckIns,
    connect::Connect,
    connections::Connections,
    contest::Contests,
    doctor::Doctor,
    exit::Failure,
    experts::Experts,
    explain::Explain,
    export::Export,
    finding::Findings,
    grant::Grants,
    history::History,
    import::Import,
    influence::{Influencees, Influencers, Mutuals},
    keys::Keys,
    list_people::ListPeople,
    lookup::LookUpFile,
    lookups::ShowLookups,
    models::Models,
    moments::Moments,
    networks::Networks,
    pass::Passes,
    perks::Perks,
    person::People,
    plus_k::PlusK,
    property::Properties,
    rank::Rank,
    rebuild::Rebuild,
    rescore::Rescore,
    score::ShowScore,
    serve::{Migrate, Serve},
    simulate::Simulate,
    suppressions::Suppressions,
    tag::TagPosts,
    topic::Topics,
    up::Up,
    watch::Watch,
    world::MakeWorld,
};

/// Measures people's influence across social networks, from 1 to 100.
#[derive(Debug, Parser)]
#[command(
    name = "klout",
    version,
    arg_required_else_help = true,
    subcommand_required = true,
    after_help = "\
Run everything on this machine, with a made-up world to look at:
  klout up --sample

In another terminal:
  klout export --top 10
  klout import csv interactions.csv.gz --register-all
  klout import stackexchange quantumcomputing.stackexchange.com.7z --register-all
  klout connect bluesky ann.example --person 42
  klout score bluesky:ann
  klout history bluesky:ann
  klout rescore
  klout explain bluesky:ann
  klout moments bluesky:ann
  klout watch bluesky:ann
  klout influencers bluesky:ann
  klout lookup customers.csv
  klout lookups bluesky:ann
  klout person consent bluesky:ann
  klout topic of bluesky:ann
  klout topic experts photography
  klout people --min-score 60 --country DE
  klout person show bluesky:ann
  klout plus-k give bluesky:ann bluesky:bob photography
  klout campaign create lounge.json
  klout check-in decide palms S-1 --email ada@example.org --booked KING --upgrade SUITE
  klout perks of bluesky:ann

Without a server or a database:
  klout rank interactions.csv.gz --as-of 2018-06-01T00:00:00Z --out scores.csv
  klout tag csv posts.csv.gz --out topics.csv
  klout experts signals posts.jsonl --as-of 2018-06-01T00:00:00Z --out experts.csv

Without data of your own:
  klout world --people 10000 --seed 1 --out world

Each command explains itself: klout COMMAND --help.
Exit codes: 0 done, 1 failed, 2 usage, 64 configuration."
)]
pub(crate) struct Klout {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Up(Up),
    Serve(Serve),
    Migrate(Migrate),
    Import(Import),
    Networks(Networks),
    Connect(Connect),
    Connections(Connections),
    Score(ShowScore),
    History(History),
    Explain(Explain),
    Simulate(Simulate),
    Moments(Moments),
    Watch(Watch),
    Influencers(Influencers),
    Influencees(Influencees),
    Mutuals(Mutuals),
    Lookup(LookUpFile),
    Lookups(ShowLookups),
    #[command(name = "people")]
    ListPeople(ListPeople),
    #[command(name = "person")]
    People(People),
    Suppressions(Suppressions),
    #[command(name = "topic")]
    Topics(Topics),
    PlusK(PlusK),
    #[command(name = "campaign")]
    Campaigns(Campaigns),
    #[command(name = "grant")]
    Grants(Grants),
    #[command(name = "property")]
    Properties(Properties),
    #[command(name = "check-in")]
    CheckIns(CheckIns),
    #[command(name = "pass")]
    Passes(Passes),
    Perks(Perks),
    Export(Export),
    Rescore(Rescore),
    Model(Models),
    #[command(name = "contest")]
    Contests(Contests),
    #[command(name = "finding")]
    Findings(Findings),
    Rebuild(Rebuild),
    Rank(Rank),
    #[command(name = "tag")]
    TagPosts(TagPosts),
    Experts(Experts),
    World(MakeWorld),
    Keys(Keys),
    Doctor(Doctor),
    Bench(Bench),
    Attack(Attack),
}

impl Klout {
    pub(crate) fn run(self) -> Result<(), Failure> {
        match self.command {
            Command::Up(up) => up.run(),
            Command::Serve(serve) => serve.run(),
            Command::Migrate(migrate) => migrate.run(),
            Command::Import(import) => import.run(),
            Command::Networks(networks) => networks.run(),
            Command::Connect(connect) => connect.run(),
            Command::Connections(connections) => connections.run(),
            Command::Score(score) => score.run(),
            Command::History(history) => history.run(),
            Command::Explain(explain) => explain.run(),
            Command::Simulate(simulate) => simulate.run(),
            Command::Moments(moments) => moments.run(),
            Command::Watch(watch) => watch.run(),
            Command::Influencers(influencers) => influencers.run(),
            Command::Influencees(influencees) => influencees.run(),
            Command::Mutuals(mutuals) => mutuals.run(),
            Command::Lookup(lookup) => lookup.run(),
            Command::Lookups(lookups) => lookups.run(),
            Command::People(people) => people.run(),
            Command::Suppressions(suppressions) => suppressions.run(),
            Command::Topics(topics) => topics.run(),
            Command::PlusK(plus_k) => plus_k.run(),
            Command::Campaigns(campaigns) => campaigns.run(),
            Command::Grants(grants) => grants.run(),
            Command::Properties(properties) => properties.run(),
            Command::CheckIns(check_ins) => check_ins.run(),
            Command::Passes(passes) => passes.run(),
            Command::Perks(perks) => perks.run(),
            Command::ListPeople(people) => people.run(),
            Command::Export(export) => export.run(),
            Command::Rescore(rescore) => rescore.run(),
            Command::Model(models) => models.run(),
            Command::Contests(contests) => contests.run(),
            Command::Findings(findings) => findings.run(),
            Command::Rebuild(rebuild) => rebuild.run(),
            Command::Rank(rank) => rank.run(),
            Command::TagPosts(tag) => tag.run(),
            Command::Experts(experts) => experts.run(),
            Command::World(world) => world.run(),
            Command::Keys(keys) => keys.run(),
            Command::Doctor(doctor) => doctor.run(),
            Command::Bench(bench) => bench.run(),
            Command::Attack(attack) => attack.run(),
        }
    }
}
