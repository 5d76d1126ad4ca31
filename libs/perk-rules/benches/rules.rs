//! How long rules take: `cargo bench -p klout-perk-rules`.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use klout_perk_rules::{Facts, Prepared, Rule};
use time::OffsetDateTime;

/// Three rules of a campaign, as brands write them; each with two conditions or three.
const RULES: [&str; 3] = [
    "score >= 40 && confidence > 0.3",
    "topics.exists(t, t in [\"coffee\", \"travel\"]) && country in [\"AT\", \"DE\"] && \"de\" in languages",
    "(percentile >= 90 || plus_k >= 10) && member_since < timestamp(\"2026-01-01T00:00:00Z\")",
];

fn facts() -> Facts {
    Facts {
        score: Some(38.2),
        percentile: Some(91.0),
        confidence: Some(0.7),
        true_reach: Some(1_234.5),
        amplification: Some(20.0),
        network_impact: Some(31.0),
        topics: (0..20).map(|number| format!("topic-{number}")).collect(),
        country: Some("AT".to_owned()),
        city: Some("Wien".to_owned()),
        languages: vec!["de".to_owned(), "en".to_owned()],
        networks: vec!["github".to_owned()],
        member_since: Some(OffsetDateTime::UNIX_EPOCH),
        plus_k: 3,
    }
}

fn rules(criterion: &mut Criterion) {
    let facts = facts();
    let campaigns: Vec<Vec<Rule>> = (0..100)
        .map(|_| {
            RULES
                .iter()
                .map(|rule| Rule::parse("rule", rule).expect("the rules are right"))
                .collect()
        })
        .collect();
    criterion.bench_function("100 campaigns for one person", |bencher| {
        bencher.iter(|| {
            let prepared = Prepared::new(black_box(&facts));
            for rule in campaigns.iter().flatten() {
                black_box(rule.evaluate_prepared(&prepared));
            }
        });
    });
    criterion.bench_function("100 campaigns for one person, without words", |bencher| {
        bencher.iter(|| {
            let prepared = Prepared::new(black_box(&facts));
            campaigns.iter().filter(|rules| rules.iter().all(|rule| rule.holds(&prepared))).count()
        });
    });
    criterion.bench_function("one rule is read", |bencher| {
        bencher.iter(|| Rule::parse("rule", black_box(RULES[1])));
    });
}

criterion_group!(benches, rules);
criterion_main!(benches);
