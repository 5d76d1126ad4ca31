//! How many would qualify, and what a campaign did.

use klout_proto::perk::v1::{
    CampaignSpec, GetCampaignReportRequest, GetPreviewRequest, Preview, PreviewCampaignRequest,
    preview_campaign_request::Subject,
};
use klout_testkit::until;
use tonic::{Code, Status};

use crate::town::{Member, Town, offer, told, with_score};

async fn preview(town: &Town, spec: CampaignSpec, exact: bool) -> Result<Preview, Status> {
    let subject = Some(Subject::Spec(Box::new(spec)));
    let request = PreviewCampaignRequest { subject, exact };
    let answered = town.client().preview_campaign(request).await?.into_inner();
    Ok(answered.preview.expect("always there"))
}

async fn look(town: &Town, preview: &str) -> Result<Preview, Status> {
    let request = GetPreviewRequest { preview: preview.to_owned() };
    let answered = town.client().get_preview(request).await?.into_inner();
    Ok(answered.preview.expect("always there"))
}

#[tokio::test]
async fn a_preview_tells_how_many_qualify_before_anybody_gets_anything() {
    let town = Town::start().await;
    for person in 1..=40 {
        town.folk.add(person, with_score(f64::from(i32::try_from(person).expect("small"))));
    }
    town.folk.add(41, Member { withheld: vec!["perks"], ..with_score(90.0) });

    let told_of = preview(&town, offer("score >= 31.0"), false).await.expect("estimated");
    assert_eq!((told_of.sampled, told_of.sampled_qualifying, told_of.members), (40, 10, 40));
    assert_eq!((told_of.estimate_low, told_of.estimate, told_of.estimate_high), (10, 10, 10));
    assert!(told_of.preview.is_empty() && told_of.state.is_empty());
    assert!(told_of.sample_time.is_some());

    let refused = preview(&town, offer("score >= 'forty'"), false).await.expect_err("no rule");
    assert_eq!(told(&refused), (Code::InvalidArgument, "RULE_INVALID".to_owned()));
    let refused = look(&town, "17").await.expect_err("none");
    assert_eq!(told(&refused), (Code::NotFound, "PREVIEW_UNKNOWN".to_owned()));
}

#[tokio::test]
async fn an_exact_count_goes_on_in_whichever_process_there_is() {
    let town = Town::start().await;
    for person in 1..=2_500 {
        town.folk.add(person, with_score(if person % 5 == 0 { 60.0 } else { 20.0 }));
    }
    let other = town.beside().await;
    let started = preview(&town, offer("score >= 40.0"), true).await.expect("started");
    assert!(!started.preview.is_empty() && started.state == "RUNNING");
    until("everybody is counted", async || {
        look(&town, &started.preview).await.expect("there").state == "DONE"
    })
    .await;
    let done = look(&town, &started.preview).await.expect("there");
    assert_eq!((done.counted, done.qualifying, done.problem.as_str()), (2_500, 500, ""));

    // One of whom a process that is gone has counted a part: nobody is counted twice.
    sqlx::query(
        "update perks.preview
        set state = 'RUNNING', after_person_id = 1000, counted = 1000, qualifying = 200, leased_until = '-infinity'",
    )
    .execute(&town.db)
    .await
    .expect("set back");
    other.stop().await.expect("stopped in order");
    until("the rest is counted", async || {
        look(&town, &started.preview).await.expect("there").state == "DONE"
    })
    .await;
    let done = look(&town, &started.preview).await.expect("there");
    assert_eq!((done.counted, done.qualifying), (2_500, 500));
}

#[tokio::test]
async fn a_report_compares_who_was_offered_something_with_who_was_held_out() {
    let town = Town::start().await;
    for person in 1..=80 {
        town.folk.add(person, with_score(50.0));
    }
    town.folk.add(81, with_score(30.0));
    let campaign =
        town.offers(CampaignSpec { hold_out_share: 0.5, ..offer("score >= 40.0") }).await;
    for person in 1..=81 {
        town.reserve(&campaign, person).await.expect("decided");
    }
    let report = async || {
        let request = GetCampaignReportRequest { campaign: campaign.clone() };
        town.client().get_campaign_report(request).await.expect("reported").into_inner()
    };
    let first = report().await;
    let (offered, held_out) = (first.offered.expect("both"), first.held_out.expect("both"));
    assert_eq!(offered.people + held_out.people, 80);
    assert!(offered.people >= 10 && held_out.people >= 10, "one in 10^11 times this fails");
    assert_eq!((offered.mean_score, held_out.mean_score), (Some(50.0), Some(50.0)));
    assert_eq!((offered.came_again, held_out.came_again), (0, 0));
    let count = |name: &str| first.outcomes.iter().find(|it| it.name == name).map(|it| it.count);
    assert_eq!(count("RULE_FAILED"), Some(1));
    assert_eq!(count("RESERVED"), Some(offered.people));
    assert_eq!(first.grants[0].name, "RESERVED");

    // Everybody comes again to another campaign of the brand, two days later.
    sqlx::query("update perks.decision set decide_time = decide_time - interval '2 days'")
        .execute(&town.db)
        .await
        .expect("earlier");
    let other = town.offers(offer("score >= 41.0")).await;
    for person in 1..=80 {
        town.reserve(&other, person).await.expect("decided");
    }
    let then = report().await;
    assert_eq!(then.offered.expect("both").came_again, offered.people);
    assert_eq!(then.held_out.expect("both").came_again, held_out.people);

    // Nobody who has left is in it, and of a few no mean is told.
    for person in 1..=75 {
        town.tell(person, person.cast_signed(), "OPTED_OUT", 0).await;
    }
    let last = report().await;
    let (offered, held_out) = (last.offered.expect("both"), last.held_out.expect("both"));
    assert_eq!(offered.people + held_out.people, 5);
    assert_eq!((offered.mean_score, held_out.mean_score), (None, None));
}
