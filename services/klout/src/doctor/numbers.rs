//! What a process tells at `/metrics`, as far as a doctor asks.
//!
//! Only lines that our own processes wrote are read, so the little that they use of Prometheus' text
//! format is read here.

use std::{collections::BTreeMap, time::Duration};

use http::{Request, header::AUTHORIZATION};
use http_body_util::{BodyExt as _, Limited};
use tokio::time::timeout;
use tonic::{body::Body, transport::Endpoint};
use tower::ServiceExt as _;

use super::Finding;
use crate::exit::Failure;

/// How long a process may take to tell its numbers.
const TELL_TIME_MAX: Duration = Duration::from_secs(5);

/// The bytes of them: some hundred series a service.
const BYTES_MAX: usize = 16 << 20;

/// How long something may wait that is usually done within a second.
const AGE_SECONDS_MAX: f64 = 60.0;

/// How fresh scores have to be: of a hundred changes, 99 are in a score after so long.
const FRESHNESS_SECONDS_MAX: f64 = 1.0;

/// The numbers of one process.
#[derive(Debug)]
pub(super) struct Numbers(Vec<Number>);

#[derive(Debug, PartialEq)]
struct Number {
    name: String,
    labels: BTreeMap<String, String>,
    value: f64,
}

// === impl Numbers ===

impl Numbers {
    /// Asks the process that answers at `address`.
    pub(super) async fn ask(address: &str, key: &str) -> Result<Self, Failure> {
        let endpoint = Endpoint::from_shared(format!("http://{address}"));
        let channel = endpoint.map_err(|error| Failure::failed(&error))?.connect_lazy();
        let request = Request::get("/metrics").header(AUTHORIZATION, format!("Bearer {key}"));
        let request = request.body(Body::empty()).map_err(|error| Failure::failed(&error))?;
        let told = async {
            let response = channel.oneshot(request).await.map_err(|it| Failure::failed(&it))?;
            if !response.status().is_success() {
                return Err(Failure::Failed(format!("it answered {}", response.status())));
            }
            let body = Limited::new(response.into_body(), BYTES_MAX).collect().await;
            let body = body.map_err(|error| Failure::Failed(error.to_string()))?;
            Ok(Self::read(&String::from_utf8_lossy(&body.to_bytes())))
        };
        timeout(TELL_TIME_MAX, told)
            .await
            .unwrap_or_else(|_| Err(Failure::Failed(format!("no answer in {TELL_TIME_MAX:?}"))))
    }

    fn read(text: &str) -> Self {
        Self(text.lines().filter_map(Number::read).collect())
    }

    /// What is told of backlog, cache and freshness.
    pub(super) fn findings(&self) -> Vec<Finding> {
        let mut findings = self.consumers();
        findings.extend(self.changes());
        findings.push(self.freshness());
        findings.extend(self.cache());
        findings
    }

    /// What each consumer has not taken.
    fn consumers(&self) -> Vec<Finding> {
        let mut findings = Vec::new();
        for (consumer, batches) in self.by("klout_signal_outbox_batches", "consumer") {
            let age = self.value("klout_signal_outbox_age_seconds", &[("consumer", consumer)]);
            findings.push(if age > AGE_SECONDS_MAX {
                Finding::Note(
                    format!(
                        "{consumer} has not taken {batches} batches of signals, the oldest for {age:.0} s"
                    ),
                    format!(
                        "a large import takes its time; else the log says why: look for \
                         task=\"{consumer}\""
                    ),
                )
            } else if batches > 0.0 {
                let text = format!("{batches} batches of signals waited for {consumer} at the last look");
                Finding::Ok(format!("{text}, the oldest of {age:.0} s ago"))
            } else {
                Finding::Ok(format!("{consumer} had taken all signals at the last look"))
            });
        }
        findings
    }

    /// What is in no score yet.
    fn changes(&self) -> Option<Finding> {
        let age = self.value("klout_score_changes_age_seconds", &[]);
        let changes = self.value("klout_score_changes_waiting", &[]);
        (age > AGE_SECONDS_MAX).then(|| {
            Finding::Bad(
                format!("{changes} changes are in no score, the oldest for {age:.0} s"),
                "the log of `klout up` says why: look for task=\"rescore".to_owned(),
            )
        })
    }

    fn freshness(&self) -> Finding {
        let name = "klout_score_freshness_seconds";
        let Some((median, most)) = self.quantile(name, 0.5).zip(self.quantile(name, 0.99)) else {
            return Finding::Ok("no score was written since the start".to_owned());
        };
        let text = format!(
            "a change was in a score after {} in half of the cases and {} in 99 of 100, since the start",
            seconds(median),
            seconds(most),
        );
        if most > FRESHNESS_SECONDS_MAX {
            let mend = "while much is imported that is so; else give Postgres more of the machine";
            return Finding::Note(text, mend.to_owned());
        }
        Finding::Ok(text)
    }

    /// Where scores were found that were asked for.
    fn cache(&self) -> Vec<Finding> {
        let name = "klout_score_cache_reads_total";
        let mut findings = Vec::new();
        for tier in ["memory", "redis", "postgres"] {
            let count = |result| self.value(name, &[("tier", tier), ("result", result)]);
            let (errors, found) = (count("error"), count("hit") + count("negative"));
            let reads = found + count("miss") + errors;
            if reads > 0.0 {
                let percent = 100.0 * found / reads;
                let text = format!("{tier} had {percent:.1} % of {reads} scores it was asked for");
                findings.push(Finding::Ok(text));
            }
            if errors > 0.0 {
                let text = format!("{tier} failed {errors} times to tell a score, since the start");
                let mend = format!("look whether {tier} is well; the next tier answered instead");
                findings.push(Finding::Note(text, mend));
            }
        }
        if findings.is_empty() {
            findings.push(Finding::Ok("no score was asked for since the start".to_owned()));
        }
        findings
    }

    /// The number of that name with those labels; 0 when there is none.
    fn value(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        let matches = |number: &&Number| {
            number.name == name
                && labels.iter().all(|(label, value)| number.label(label) == Some(*value))
        };
        self.0.iter().filter(matches).map(|number| number.value).sum()
    }

    /// The numbers of that name, by the value of a label.
    fn by(&self, name: &str, label: &str) -> BTreeMap<&str, f64> {
        let numbers = self.0.iter().filter(|number| number.name == name);
        numbers.filter_map(|number| Some((number.label(label)?, number.value))).collect()
    }

    /// Below what value that share of a duration lies, as straight lines through its buckets tell;
    /// `None` when nothing was timed.
    fn quantile(&self, name: &str, share: f64) -> Option<f64> {
        let name = format!("{name}_bucket");
        let mut buckets: Vec<(f64, f64)> = self
            .by(&name, "le")
            .into_iter()
            .filter_map(|(bound, count)| Some((bound.parse().ok()?, count)))
            .collect();
        buckets.sort_by(|(one, _), (other, _)| one.total_cmp(other));
        let (_, all) = buckets.last().filter(|(_, all)| *all > 0.0)?;
        let rank = share * all;
        let (mut lower, mut below) = (0.0, 0.0);
        for (upper, count) in buckets {
            if count >= rank {
                // Of what is beyond all bounds nothing is known but that.
                let known = upper.is_finite() && count > below;
                let part = if known { (rank - below) / (count - below) } else { 0.0 };
                return Some(if known { lower + (upper - lower) * part } else { lower });
            }
            (lower, below) = (upper, count);
        }
        Some(lower)
    }
}

// === impl Number ===

impl Number {
    /// `name{label="value",…} value`; values of ours have neither quotes nor commas nor braces.
    fn read(line: &str) -> Option<Self> {
        if line.starts_with('#') {
            return None;
        }
        let (series, value) = line.rsplit_once(' ')?;
        let (name, labels) = series.split_once('{').unwrap_or((series, ""));
        let labels = labels.trim_end_matches('}').split(',').filter_map(|label| {
            let (name, value) = label.split_once('=')?;
            Some((name.to_owned(), value.trim_matches('"').to_owned()))
        });
        let labels = labels.collect();
        Some(Self { name: name.to_owned(), labels, value: value.parse().ok()? })
    }

    fn label(&self, name: &str) -> Option<&str> {
        self.labels.get(name).map(String::as_str)
    }
}

fn seconds(seconds: f64) -> String {
    if seconds < 1.0 { format!("{:.0} ms", seconds * 1_000.0) } else { format!("{seconds:.1} s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOLD: &str = "\
# HELP klout_signal_outbox_batches Batches that a consumer has not taken yet.
# TYPE klout_signal_outbox_batches gauge
klout_signal_outbox_batches{consumer=\"scoring\"} 0
klout_signal_outbox_batches{consumer=\"topics\"} 3
klout_signal_outbox_age_seconds{consumer=\"scoring\"} 0
klout_signal_outbox_age_seconds{consumer=\"topics\"} 180.5

klout_score_changes_waiting 7
klout_score_changes_age_seconds 0.2
klout_score_freshness_seconds_bucket{le=\"0.1\"} 50
klout_score_freshness_seconds_bucket{le=\"0.5\"} 90
klout_score_freshness_seconds_bucket{le=\"2.5\"} 100
klout_score_freshness_seconds_bucket{le=\"+Inf\"} 100
klout_score_freshness_seconds_sum 20
klout_score_freshness_seconds_count 100
klout_score_cache_reads_total{tier=\"memory\",result=\"hit\"} 90
klout_score_cache_reads_total{tier=\"memory\",result=\"miss\"} 10
klout_score_cache_reads_total{tier=\"redis\",result=\"negative\"} 4
klout_score_cache_reads_total{tier=\"redis\",result=\"error\"} 6
";

    #[test]
    fn a_consumer_that_is_behind_and_stale_scores_are_noted() {
        let findings = Numbers::read(TOLD).findings();
        let text = |finding: &Finding| match finding {
            Finding::Ok(text) => format!("ok {text}"),
            Finding::Note(text, _) => format!("note {text}"),
            Finding::Bad(text, _) => format!("bad {text}"),
        };
        let texts: Vec<_> = findings.iter().map(text).collect();
        assert_eq!(
            texts,
            [
                "ok scoring had taken all signals at the last look",
                "note topics has not taken 3 batches of signals, the oldest for 180 s",
                "note a change was in a score after 100 ms in half of the cases and 2.3 s in 99 of \
                 100, since the start",
                "ok memory had 90.0 % of 100 scores it was asked for",
                "ok redis had 40.0 % of 10 scores it was asked for",
                "note redis failed 6 times to tell a score, since the start",
            ]
        );
    }

    #[test]
    fn a_process_that_has_done_nothing_is_well() {
        let findings = Numbers::read("").findings();
        assert!(findings.iter().all(|it| matches!(it, Finding::Ok(_))), "{findings:?}");
    }

    #[test]
    fn what_lies_beyond_all_buckets_counts_as_the_last_bound() {
        let numbers = Numbers::read("a_bucket{le=\"1\"} 1\na_bucket{le=\"+Inf\"} 100\n");
        assert_eq!(numbers.quantile("a", 0.99), Some(1.0));
        assert_eq!(numbers.quantile("b", 0.99), None);
    }
}
