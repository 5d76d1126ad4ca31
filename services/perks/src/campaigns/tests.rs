use std::sync::atomic::{AtomicUsize, Ordering};

use klout_proto::perk::v1::{Benefit, CampaignSpec};
use klout_testkit::Stores;

use super::*;
use crate::store::MIGRATOR;

async fn campaigns() -> (Campaigns, PgPool) {
    let db = Stores::fresh().await.db().await;
    MIGRATOR.run(&db).await.expect("the schema is made");
    (Campaigns::new(db.clone()), db)
}

fn lounge(title: &str) -> CampaignSpec {
    CampaignSpec {
        brand: "Cathay Pacific".to_owned(),
        title: title.to_owned(),
        benefit: Some(Benefit { kind: "ACCESS".to_owned(), ..Default::default() }),
        disclosure: "Cathay Pacific pays for it.".to_owned(),
        ..Default::default()
    }
}

async fn made(campaigns: &Campaigns) -> i64 {
    let kept = campaigns.create("tests", None, lounge("first")).await.expect("made");
    kept.campaign_id
}

#[tokio::test]
async fn whoever_changes_a_campaign_sees_it_at_once() {
    let (campaigns, _) = campaigns().await;
    let id = made(&campaigns).await;
    let state = async || campaigns.get(id).await.expect("there").state;
    assert_eq!(state().await, CampaignState::Draft);
    assert!(campaigns.active().await.expect("read").is_empty());

    campaigns.activate(id).await.expect("activated");

    assert_eq!(state().await, CampaignState::Active);
    assert!(campaigns.get(id).await.expect("there").activate_time.is_some());
    assert_eq!(campaigns.active().await.expect("read")[0].id, id);
    campaigns.update(id, None, lounge("second")).await.expect("changed");
    let newest = campaigns.get(id).await.expect("there");
    assert_eq!((newest.version, newest.spec.proto.title.as_str()), (2, "second"));
    assert_eq!(campaigns.active().await.expect("read")[0].version, 2);
    campaigns.pause(id).await.expect("paused");
    assert!(campaigns.active().await.expect("read").is_empty());
    campaigns.end(id).await.expect("ended");
    assert_eq!(state().await, CampaignState::Ended);
}

#[tokio::test]
async fn a_version_is_read_once_and_stays_as_it_was() {
    let (campaigns, _) = campaigns().await;
    let id = made(&campaigns).await;
    campaigns.update(id, None, lounge("second")).await.expect("changed");

    let first = campaigns.version(id, 1).await.expect("there");

    assert_eq!((first.version, first.spec.proto.title.as_str()), (1, "first"));
    assert_eq!(first.state, CampaignState::Draft, "the state is the campaign's");
    let again = campaigns.version(id, 1).await.expect("remembered");
    assert!(Arc::ptr_eq(&first.spec, &again.spec));
    assert!(matches!(campaigns.version(id, 3).await, Err(Error::CampaignUnknown { .. })));
    assert!(matches!(campaigns.get(id ^ 1).await, Err(Error::CampaignUnknown { .. })));
}

#[tokio::test]
async fn a_campaign_that_cannot_be_read_keeps_no_other_from_giving() {
    let (campaigns, db) = campaigns().await;
    let fine = made(&campaigns).await;
    campaigns.activate(fine).await.expect("activated");
    let (broken, now) = (fine ^ 1, OffsetDateTime::UNIX_EPOCH);
    store::campaign::insert(&db, broken, "a brand", "tests", now).await.expect("made");
    store::campaign::insert_version(&db, broken, 1, b"\0", now).await.expect("no spec");
    store::campaign::go(&db, broken, "ACTIVE", now).await.expect("activated");
    let afresh = Campaigns::new(db);

    let active = afresh.active().await.expect("read");

    assert_eq!(active.iter().map(|it| it.id).collect::<Vec<_>>(), [fine]);
    assert!(matches!(afresh.get(broken).await, Err(Error::CampaignBroken { .. })));
}

#[tokio::test(start_paused = true)]
async fn what_was_looked_up_is_looked_up_again_after_a_second() {
    let looked = AtomicUsize::new(0);
    let fresh = Fresh::default();
    let get = async || {
        fresh.get(async || Ok(looked.fetch_add(1, Ordering::Relaxed))).await.expect("found")
    };

    assert_eq!([get().await, get().await], [0, 0]);
    tokio::time::advance(AGE_MAX - Duration::from_millis(1)).await;
    assert_eq!(get().await, 0);
    tokio::time::advance(Duration::from_millis(1)).await;
    assert_eq!(get().await, 1);
    fresh.forget();
    assert_eq!(get().await, 2);
}

#[tokio::test(start_paused = true)]
async fn one_looks_while_others_wait_and_what_failed_is_tried_again() {
    let looked = AtomicUsize::new(0);
    let fresh: Fresh<usize> = Fresh::default();
    let failed = fresh.get(async || Err(Error::no_campaign(1))).await;
    assert!(failed.is_err());

    let slow = || {
        fresh.get(async || {
            tokio::time::sleep(Duration::from_millis(50)).await;
            Ok(looked.fetch_add(1, Ordering::Relaxed))
        })
    };
    let found = futures::future::join_all((0..64).map(|_| slow())).await;

    assert!(found.into_iter().all(|it| it.is_ok_and(|turn| turn == 0)));
}
