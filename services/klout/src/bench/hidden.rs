//! Whether the time that a look-up takes tells somebody hidden from nobody.

use std::time::Instant;

use klout_chassis::Running;
use klout_model::Purpose;
use klout_proto::{
    graph::v1::{AddContactsRequest, Contacts, SetConsentRequest},
    profile::v1::ResolveAndGetScoreRequest,
};
use tonic::Code;

use super::{
    Figures,
    ground::{self, Ground, settings},
};
use crate::{
    client::Client,
    exit::{Failure, block_on},
    output,
    quantile::part,
    settings::host,
};

/// People of a group: whose rows are read is another one each time, as it is of customers.
const PEOPLE: u32 = 300;

/// Measures whether the time that a look-up takes tells somebody hidden from nobody.
///
/// A key for CRMs looks people up by their address at the gateway's own port, one after the other: nobody, somebody who
/// withholds that purpose, and somebody who opted out, in turns. What is printed are the times, and how likely an answer
/// about the one takes longer than one about nobody: 0.5 tells nothing.
#[derive(Debug, clap::Args)]
pub(crate) struct Hidden {
    /// How often each is looked up
    #[arg(long, value_name = "N", default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(10..=100_000))]
    looks: u32,
    /// Prints one line of JSON
    #[arg(long)]
    json: bool,
}

/// Who is looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Whom {
    Nobody,
    Hidden,
    OptedOut,
}

// === impl Hidden ===

impl Hidden {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let folder = super::folder()?;
        let mut ground = Ground::start(folder.path())?;
        let times = block_on(async {
            let database = ground.database().await?;
            let all = ground.services(host(), database, settings("hidden")).await?;
            let times = self.measure(&all).await?;
            all.stop().await.map_err(|error| Failure::failed(&error))?;
            Ok(times)
        })?;

        let mut figures = Figures::default();
        let [nobody, hidden, opted_out] = times;
        let mut add =
            |name, times, percent| figures.add(name, Vec::from_iter(part(times, percent)));
        add("nobody_p50_ms", &nobody, 50);
        add("hidden_p50_ms", &hidden, 50);
        add("opted_out_p50_ms", &opted_out, 50);
        add("nobody_p99_ms", &nobody, 99);
        add("hidden_p99_ms", &hidden, 99);
        add("opted_out_p99_ms", &opted_out, 99);
        figures.add("hidden_takes_longer", vec![takes_longer(&hidden, &nobody)]);
        figures.add("opted_out_takes_longer", vec![takes_longer(&opted_out, &nobody)]);
        figures.print("hidden", self.json)
    }

    /// Milliseconds of each look-up, sorted, by who was looked up.
    async fn measure(&self, all: &Running) -> Result<[Vec<f64>; 3], Failure> {
        make(all).await?;
        let key = ground::customers_key(all, &["lookups"]).await?;
        let server = format!("http://{}", ground::rest_address(all)?);
        let server =
            server.parse().map_err(|error| Failure::Failed(format!("{server}: {error}")))?;
        let client = Client::connect(server, &key).await?;
        let mut times = Whom::ALL.map(|_| Vec::new());
        let progress = output::progress(Some(self.looks.into()), "{bar} {pos}/{len} turns");
        for look in 0..self.looks {
            for (place, whom) in Whom::ALL.into_iter().enumerate() {
                times[place].push(whom.look_up(&client, look % PEOPLE).await?);
            }
            progress.inc(1);
        }
        progress.finish_and_clear();
        for times in &mut times {
            times.sort_by(f64::total_cmp);
        }
        Ok(times)
    }
}

/// Makes everybody who is hidden, and gives them their addresses.
async fn make(all: &Running) -> Result<(), Failure> {
    let client = ground::client(all).await?;
    let people = ground::register(&client, 2 * PEOPLE).await?;
    let (hidden, opted_out) = people.split_at(PEOPLE as usize);
    for (whom, people) in [(Whom::Hidden, hidden), (Whom::OptedOut, opted_out)] {
        for (number, person) in (0..).zip(people) {
            let contacts = Some(whom.contacts(number));
            let request = AddContactsRequest { person: person.clone(), contacts };
            client.graph().add_contacts(request).await?;
            let mut consent = SetConsentRequest { person: person.clone(), ..Default::default() };
            match whom {
                Whom::OptedOut => consent.state = "OPTED_OUT".to_owned(),
                Whom::Hidden | Whom::Nobody => {
                    consent.withhold_purposes = vec![Purpose::Crm.as_str().to_owned()];
                }
            }
            client.graph().set_consent(consent).await?;
        }
    }
    Ok(())
}

/// How likely one of these takes longer than one of those, both sorted; who takes as long does so by half.
///
/// The statistic of Mann and Whitney (1947) by all pairs.
#[expect(clippy::cast_precision_loss, reason = "far fewer than 2⁵³ pairs")]
fn takes_longer(these: &[f64], those: &[f64]) -> f64 {
    let pairs = |one: &f64| {
        let less = those.partition_point(|it| it < one);
        let not_more = those.partition_point(|it| it <= one);
        (less + not_more) as f64 / 2.0
    };
    these.iter().map(pairs).sum::<f64>() / (these.len() * those.len()) as f64
}

// === impl Whom ===

impl Whom {
    const ALL: [Self; 3] = [Self::Nobody, Self::Hidden, Self::OptedOut];

    /// What the one of that number is reached by.
    fn contacts(self, number: u32) -> Contacts {
        let name = match self {
            Self::Nobody => "nobody",
            Self::Hidden => "hidden",
            Self::OptedOut => "opted-out",
        };
        let email = format!("{name}-{number}@mail.example");
        Contacts { emails: vec![email], ..Contacts::default() }
    }

    /// Milliseconds until it is answered that the one of that number is not there.
    async fn look_up(self, client: &Client, number: u32) -> Result<f64, Failure> {
        let contacts = Some(self.contacts(number));
        let request = ResolveAndGetScoreRequest { contacts, ..Default::default() };
        let started = Instant::now();
        let answered = client.lookups().resolve_and_get_score(request).await;
        let took = started.elapsed();
        match answered {
            Err(status) if status.code() == Code::NotFound => Ok(took.as_secs_f64() * 1_000.0),
            Err(status) => Err(status.into()),
            Ok(_) => Err(Failure::Failed(format!("{self:?} {number} was found"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_half_is_what_tells_nothing() {
        assert_eq!(takes_longer(&[1.0, 2.0, 3.0], &[1.0, 2.0, 3.0]), 0.5);
        assert_eq!(takes_longer(&[2.0, 3.0], &[0.5, 1.0, 1.5]), 1.0);
        assert_eq!(takes_longer(&[1.0, 4.0], &[2.0, 3.0]), 0.5);
        assert_eq!(takes_longer(&[1.0], &[1.0, 2.0]), 0.25);
    }
}
