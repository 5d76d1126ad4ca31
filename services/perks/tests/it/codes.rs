//! Codes that are uploaded.

use klout_chassis::reason;
use klout_proto::perk::v1::{
    Campaign, CampaignSpec, EndCampaignRequest, UploadCodesRequest, UploadCodesResponse,
};
use tonic::{Code, Status};

use crate::offers::{Offers, lounge};

impl Offers {
    async fn upload(&self, campaign: &Campaign, codes: &[&str]) -> Result<(i64, i64), Status> {
        let codes = codes.iter().map(|code| (*code).to_owned()).collect();
        let request = UploadCodesRequest { campaign: campaign.campaign.clone(), codes };
        let UploadCodesResponse { added, left } =
            self.client().upload_codes(request).await?.into_inner();
        Ok((added, left))
    }
}

fn with_codes() -> CampaignSpec {
    CampaignSpec { codes: "UPLOADED".to_owned(), ..lounge() }
}

fn why<T: std::fmt::Debug>(answer: Result<T, Status>) -> Option<String> {
    reason(&answer.expect_err("refused"))
}

#[tokio::test]
async fn a_code_is_there_once_however_often_it_comes_and_in_its_order() {
    let offers = Offers::start().await;
    let made = offers.create(with_codes()).await.expect("made");

    assert_eq!(offers.upload(&made, &["B-1", "A-2"]).await.expect("taken in"), (2, 2));
    assert_eq!(offers.upload(&made, &["B-1", "A-2"]).await.expect("taken in"), (0, 2));
    let some_new = ["C-3", "A-2", "C-3", "A-4"];
    assert_eq!(offers.upload(&made, &some_new).await.expect("taken in"), (2, 4));
    assert_eq!(offers.upload(&made, &[]).await.expect("only asked"), (0, 4));

    let db = offers.stores.db().await;
    let codes: Vec<String> = sqlx::query_scalar("select code from perks.code order by number")
        .fetch_all(&db)
        .await
        .expect("codes");
    assert_eq!(codes, ["B-1", "A-2", "C-3", "A-4"], "as they came");
    sqlx::query("update perks.code set grant_id = 1 where code = 'B-1'")
        .execute(&db)
        .await
        .expect("given");
    assert_eq!(offers.upload(&made, &["B-1"]).await.expect("taken in"), (0, 3), "it has an owner");
}

#[tokio::test]
async fn a_call_takes_ten_thousand_codes_and_no_more() {
    let offers = Offers::start().await;
    let made = offers.create(with_codes()).await.expect("made");
    let codes: Vec<String> = (0..10_001).map(|it| format!("CODE-{it}")).collect();
    let codes: Vec<&str> = codes.iter().map(String::as_str).collect();

    assert_eq!(why(offers.upload(&made, &codes).await).as_deref(), Some("FIELD_INVALID"));
    let taken = offers.upload(&made, &codes[..10_000]).await.expect("taken in");
    assert_eq!(taken, (10_000, 10_000));
}

#[tokio::test]
async fn what_is_no_code_is_refused_with_all_that_came_with_it() {
    let offers = Offers::start().await;
    let made = offers.create(with_codes()).await.expect("made");

    for wrong in ["", "A B", "Ä", "a\n", "a\0", &"x".repeat(101)] {
        let status = offers.upload(&made, &["fine", wrong]).await.expect_err("refused");
        assert_eq!(status.code(), Code::InvalidArgument, "{wrong:?}");
        assert!(status.message().contains("codes[1]"), "{status:?}");
    }
    let longest = "x".repeat(100);
    assert_eq!(offers.upload(&made, &[&longest]).await.expect("taken in"), (1, 1));
}

#[tokio::test]
async fn codes_belong_to_a_campaign_that_gives_them() {
    let offers = Offers::start().await;
    let without = offers.create(lounge()).await.expect("made");
    let refused = offers.upload(&without, &["A"]).await;
    assert_eq!(why(refused).as_deref(), Some("CODES_NOT_UPLOADED"));

    let made = offers.create(with_codes()).await.expect("made");
    assert_eq!(why(offers.activate(&made).await).as_deref(), Some("CAMPAIGN_INCOMPLETE"));
    offers.upload(&made, &["A"]).await.expect("taken in");
    offers.activate(&made).await.expect("it has one");
    let end = EndCampaignRequest { campaign: made.campaign.clone() };
    offers.client().end_campaign(end).await.expect("ended");
    assert_eq!(why(offers.upload(&made, &["B"]).await).as_deref(), Some("CAMPAIGN_ENDED"));

    let nowhere = Campaign { campaign: "1".to_owned(), ..Campaign::default() };
    assert_eq!(why(offers.upload(&nowhere, &["A"]).await).as_deref(), Some("CAMPAIGN_UNKNOWN"));
}
