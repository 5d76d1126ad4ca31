//! Files of customers, from their first part to what is fetched.

mod folk;
mod leaving;
mod office;

use std::{io::Write as _, sync::atomic::Ordering};

use flate2::{Compression, write::GzEncoder};
use klout_chassis::reason;
use klout_proto::profile::v1::{
    DownloadLookupRowsRequest, LookupPart, UploadLookupRowsRequest,
    lookup_service_client::LookupServiceClient, upload_lookup_rows_request::Piece,
};
use klout_testkit::until;
use reqwest::{Method, StatusCode};
use serde_json::json;
use tonic::{Code, Request};

use self::{
    folk::{Folk, sha256},
    office::{Office, token},
};

const ACME: &str = "acme";

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text).expect("memory");
    encoder.finish().expect("memory")
}

/// Rows of people whom nobody knows.
fn strangers(rows: usize) -> String {
    let rows: String = (0..rows).map(|row| format!("{row}@example.net\n")).collect();
    format!("email\n{rows}")
}

async fn refused(office: &Office, job: &str, part: u32, csv: &str) -> (u16, String) {
    let answer = office.put(ACME, job, part, csv.to_owned()).await;
    let reason = answer.json["reason"].as_str().unwrap_or_default().to_owned();
    (answer.status.as_u16(), reason)
}

#[tokio::test]
async fn a_file_is_taken_in_parts_looked_up_and_fetched_in_its_order() {
    let office = Office::open().await;
    office.folk.add("ann@example.org", 42);
    office.folk.add("+49301234567", 43);
    office.folk.call("dee.example", 44);
    let job = office.create(ACME).await;
    let second = format!(
        "network,handle,email_sha256,key,colour\n\
         bluesky,dee.example,,D-4,red\n\
         ,,{},D-5,\n\
         bluesky,twins,,D-6,\n\
         No Network,x,,D-7,\n",
        sha256("ann@example.org")
    );
    let path = format!("/v1/lookupJobs/{job}/parts/2");
    let packed = gzip(second.as_bytes());
    let encoding = [("content-encoding", "gzip")];
    let answer = office.send(ACME, Method::PUT, &path, &encoding, packed).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    let first = "\u{feff}Key,EMAIL,phone\r\n\
                 =cmd(),Ann@Example.org ,\r\n\
                 \"C,2\",nobody@example.org,call me\r\n\
                 ,,+49 30 1234567\r\n\
                 C-4,no address,\r\n\
                 C-5,,\r\n\
                 C-6\r\n";
    let answer = office.put(ACME, &job, 1, first).await;
    assert_eq!((&answer.json["rows"], &answer.json["parts"]), (&json!("10"), &json!(2)));
    let of_rows = |csv: &str| csv.len() - csv.find('\n').expect("a header") - 1;
    assert_eq!(answer.json["bytes"], (of_rows(first) + of_rows(&second)).to_string());
    let running = office.get(ACME, &format!("/v1/lookupJobs/{job}/results")).await;
    assert_eq!(running.json["reason"], "LOOKUP_JOB_RUNNING", "{running:?}");

    assert_eq!(office.close(ACME, &job).await.status, StatusCode::OK);
    let done = office.until_done(ACME, &job).await;

    let counts = ["rows", "lookedUp", "matched", "unmatched", "failed"].map(|it| done[it].clone());
    assert_eq!(counts, ["10", "10", "4", "1", "5"].map(|it| json!(it)));
    let answer = office.get(ACME, &format!("/v1/lookupJobs/{job}/results")).await;
    let score = "61.57,60-69,97.25,0.625,1970-01-01T13:14:15Z,KNOWN,test";
    let unnamed = "61.5,60-69,97,0.6,1970-01-01T00:00:00Z,KNOWN,test";
    assert_eq!(
        answer.text,
        format!(
            "key,person,likelihood,matched_on,score,bucket,percentile,confidence,score_time,state,model,row\n\
             '=cmd(),42,0.97,email,{score},1\n\
             3,43,0.97,email,{score},3\n\
             D-4,44,0.97,email_hash,{score},7\n\
             D-5,,0.97,email_hash,{unnamed},8\n"
        )
    );
    assert_eq!(office.rows(ACME, &job, "unmatched").await, ["\"C,2\",2"]);
    let failed = office.rows(ACME, &job, "failed").await;
    assert_eq!(
        failed,
        [
            "C-4,EMAIL_INVALID,4",
            "C-5,NOTHING_NAMED,5",
            "C-6,ROW_MALFORMED,6",
            "D-6,HANDLE_AMBIGUOUS,9",
            "D-7,NETWORK_INVALID,10",
        ]
    );
    let asked = office.folk.asked.lock().expect("nobody panics").clone();
    assert!(asked.iter().all(|it| it.caller == ACME), "{asked:?}");
}

#[tokio::test]
async fn a_row_is_told_what_the_same_question_is_told_alone() {
    let office = Office::open().await;
    office.folk.add("ann@example.org", 42);
    office.folk.call("dee.example", 44);
    let hash = sha256("ann@example.org");
    let csv = format!("email_sha256,network,handle\n{hash},,\n,bluesky,dee.example\n");
    let job = office.look_up(ACME, &csv).await;
    let rows = office.rows(ACME, &job, "results").await;
    let questions = [
        json!({"contacts": {"emailHashes": [hash]}}),
        json!({"accounts": [{"network": "bluesky", "handle": "dee.example"}]}),
    ];
    let mut people = Vec::new();
    for (row, question) in rows.iter().zip(questions) {
        let body = question.to_string();
        let answer = office.send(ACME, Method::POST, "/v1/people:score", &[], body).await;
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
        let alone = &answer.json["score"];
        let text = |name: &str| alone[name].as_str().expect("a text").to_owned();
        let number = |name: &str| alone[name].as_f64().expect("a number").to_string();
        let expected = [
            text("person"),
            number("score"),
            text("bucket"),
            number("percentile"),
            number("confidence"),
            text("scoreTime"),
            text("state"),
            text("model"),
        ];
        let fields: Vec<&str> = row.split(',').collect();
        assert_eq!([1, 4, 5, 6, 7, 8, 9, 10].map(|place| fields[place]), expected, "{row}");
        people.push(text("person"));
    }
    assert_eq!(people, ["", "44"], "a hash in yields no identity out");
}

#[tokio::test]
async fn a_part_is_there_once_and_whole_or_not_at_all() {
    let office = Office::open().await;
    let job = office.create(ACME).await;
    let csv = "email\na@example.org\nb@example.org\n";

    assert_eq!(refused(&office, &job, 0, csv).await, (400, "FIELD_INVALID".to_owned()));
    assert_eq!(refused(&office, &job, 10_001, csv).await, (400, "FIELD_INVALID".to_owned()));
    let malformed = (400, "CSV_MALFORMED".to_owned());
    for wrong in ["", "\n", "colour,size\nred,1\n", "email,email\na,b\n", "network,key\nx,y\n"] {
        assert_eq!(refused(&office, &job, 1, wrong).await, malformed, "{wrong:?}");
    }
    let packed = gzip(csv.as_bytes());
    let path = format!("/v1/lookupJobs/{job}/parts/1");
    let encoding = [("content-encoding", "gzip")];
    let cut = packed[..packed.len() - 9].to_vec();
    let answer = office.send(ACME, Method::PUT, &path, &encoding, cut).await;
    assert_eq!(answer.json["reason"], "MESSAGE_MALFORMED", "{answer:?}");
    let other = [("content-encoding", "br")];
    let answer = office.send(ACME, Method::PUT, &path, &other, packed.clone()).await;
    assert_eq!(answer.json["reason"], "FIELD_INVALID", "{answer:?}");
    assert_eq!(office.job(ACME, &job).await.json["rows"], "0");

    // However it is packed, and after the job is closed too.
    for _ in 0..2 {
        let answer = office.put(ACME, &job, 1, csv).await;
        assert_eq!(answer.json["rows"], "2", "{answer:?}");
        let answer = office.send(ACME, Method::PUT, &path, &encoding, packed.clone()).await;
        assert_eq!(answer.json["rows"], "2", "{answer:?}");
    }
    let another = refused(&office, &job, 1, "email\nc@example.org\n").await;
    assert_eq!(another, (409, "PART_EXISTS".to_owned()));
    assert_eq!(office.put(ACME, &job, 3, csv).await.status, StatusCode::OK);
    let missing = office.close(ACME, &job).await;
    assert_eq!(missing.json["reason"], "PARTS_MISSING");
    assert_eq!(missing.json["metadata"]["part"], "2");
    assert_eq!(office.put(ACME, &job, 2, csv).await.status, StatusCode::OK);
    for _ in 0..2 {
        assert_eq!(office.close(ACME, &job).await.status, StatusCode::OK);
    }
    assert_eq!(office.put(ACME, &job, 2, csv).await.status, StatusCode::OK);
    assert_eq!(refused(&office, &job, 4, csv).await, (400, "LOOKUP_JOB_CLOSED".to_owned()));
    assert_eq!(office.until_done(ACME, &job).await["unmatched"], "6");
    let left: i64 = sqlx::query_scalar("select count(*) from gateway.lookup_upload")
        .fetch_one(&office.db)
        .await
        .expect("counted");
    assert_eq!(left, 0, "what broke off is gone");
}

#[tokio::test]
async fn nothing_is_kept_in_the_clear_and_hashes_only_until_they_are_looked_up() {
    let office = Office::open().await;
    office.folk.down.store(true, Ordering::SeqCst);
    let job = office.create(ACME).await;
    let csv = format!("email,phone_sha256\nann@example.org,\n,{}\n", sha256("+49301234567"));
    assert_eq!(office.put(ACME, &job, 1, csv).await.status, StatusCode::OK);
    let content = async || -> Vec<u8> {
        sqlx::query_scalar("select content from gateway.lookup_chunk")
            .fetch_one(&office.db)
            .await
            .expect("a chunk")
    };
    let has = |content: &[u8], bytes: &[u8]| content.windows(bytes.len()).any(|it| it == bytes);
    let hashes = ["ann@example.org", "+49301234567"].map(klout_contact::hash);
    let kept = content().await;
    assert!(!has(&kept, b"ann") && hashes.iter().all(|it| has(&kept, it)));

    assert_eq!(office.close(ACME, &job).await.status, StatusCode::OK);
    office.folk.down.store(false, Ordering::SeqCst);
    office.until_done(ACME, &job).await;

    let kept = content().await;
    assert!(!hashes.iter().any(|it| has(&kept, it)), "they are still there");
}

#[tokio::test]
async fn a_job_belongs_to_the_key_that_made_it() {
    let office = Office::open().await;
    let job = office.look_up(ACME, "email\na@example.org\n").await;
    for (method, path) in [
        (Method::GET, format!("/v1/lookupJobs/{job}")),
        (Method::POST, format!("/v1/lookupJobs/{job}/close")),
        (Method::PUT, format!("/v1/lookupJobs/{job}/parts/1")),
        (Method::GET, format!("/v1/lookupJobs/{job}/results")),
        (Method::GET, format!("/v1/lookupJobs/{job}/unmatched")),
        (Method::GET, format!("/v1/lookupJobs/{job}/failed")),
    ] {
        let answer = office.send("other", method, &path, &[], "").await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}: {answer:?}");
        assert_eq!(answer.json["reason"], "LOOKUP_JOB_UNKNOWN", "{path}");
    }
    let path = format!("/v1/lookupJobs/{job}");
    assert_eq!(office.send("other", Method::DELETE, &path, &[], "").await.status, StatusCode::OK);
    let listed = office.get("other", "/v1/lookupJobs").await;
    assert_eq!(listed.json["jobs"], json!([]));
    assert_eq!(office.get(ACME, "/v1/lookupJobs").await.json["jobs"][0]["job"], job);
    assert_eq!(office.job("operator", &job).await.json["state"], "DONE", "it is still there");
    let nowhere = office.get(ACME, &format!("/v1/lookupJobs/{job}/everything")).await;
    assert_eq!(nowhere.json["reason"], "PATH_UNKNOWN");

    assert_eq!(office.send(ACME, Method::DELETE, &path, &[], "").await.status, StatusCode::OK);
    assert_eq!(office.job(ACME, &job).await.json["reason"], "LOOKUP_JOB_UNKNOWN");
}

#[tokio::test]
async fn a_repeated_request_opens_one_job_and_a_key_has_so_many() {
    let office = Office::open().await;
    let create = async |body: serde_json::Value| {
        office.send(ACME, Method::POST, "/v1/lookupJobs", &[], body.to_string()).await
    };
    let one = create(json!({"requestId": "night", "minLikelihood": 0.98})).await.json;
    let again = create(json!({"requestId": "night", "minLikelihood": 0.98})).await.json;
    assert_eq!((&one["job"], &one["minLikelihood"]), (&again["job"], &json!(0.98)));
    assert_eq!(create(json!({"requestId": "night"})).await.json["reason"], "REQUEST_ID_REUSED");
    for wrong in [json!({"minLikelihood": 1.5}), json!({"requestId": "x".repeat(65)})] {
        assert_eq!(create(wrong).await.json["reason"], "FIELD_INVALID");
    }
    for _ in 1..20 {
        office.create(ACME).await;
    }
    let answer = create(json!({})).await;
    assert_eq!(answer.json["reason"], "LOOKUP_JOBS_TOO_MANY");
    assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
    office.create("other").await;
    let page = office.get(ACME, "/v1/lookupJobs?pageSize=15").await.json;
    let token = page["nextPageToken"].as_str().expect("another page");
    let rest =
        office.get(ACME, &format!("/v1/lookupJobs?pageSize=15&pageToken={token}")).await.json;
    let jobs = |page: &serde_json::Value| page["jobs"].as_array().expect("jobs").len();
    assert_eq!((jobs(&page), jobs(&rest), &rest["nextPageToken"]), (15, 5, &json!("")));
    assert_eq!(rest["jobs"][4]["job"], one["job"], "the newest first");
}

#[tokio::test]
async fn what_is_too_much_is_refused_however_it_is_packed() {
    let office = Office::open().await;
    let job = office.create(ACME).await;
    let mut bomb = b"email\n".to_vec();
    bomb.resize(150_100_000, b'\n');
    let packed = gzip(&bomb);
    assert!(packed.len() < 1_000_000);
    let path = format!("/v1/lookupJobs/{job}/parts/1");
    let encoding = [("content-encoding", "gzip")];
    let answer = office.send(ACME, Method::PUT, &path, &encoding, packed).await;
    assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS, "{answer:?}");
    assert_eq!(answer.json["reason"], "LOOKUP_JOB_FULL");
    let mut long = String::from("email,key\na@example.org,");
    long.push_str(&"x".repeat(100_000));
    long.push_str("\nb@example.org,");
    long.push_str(&"y".repeat(300));
    long.push_str("\nc@example.org,z\n");
    assert_eq!(office.put(ACME, &job, 1, long).await.status, StatusCode::OK);
    assert_eq!(office.close(ACME, &job).await.status, StatusCode::OK);
    office.until_done(ACME, &job).await;
    let failed = office.rows(ACME, &job, "failed").await;
    assert_eq!(failed, ["1,ROW_MALFORMED,1", &format!("{},KEY_TOO_LONG,2", "y".repeat(256))]);
    assert_eq!(office.rows(ACME, &job, "unmatched").await, ["z,3"]);
}

#[tokio::test]
async fn while_others_are_away_a_job_waits_and_then_goes_on() {
    let office = Office::open().await;
    office.folk.add("ann@example.org", 42);
    office.folk.down.store(true, Ordering::SeqCst);
    let job = office.create(ACME).await;
    office.put(ACME, &job, 1, "email\nann@example.org\n").await;
    assert_eq!(office.close(ACME, &job).await.json["state"], "RUNNING");
    // By another process, with what this one has left.
    let office = office.open_again().await;
    assert_eq!(office.job(ACME, &job).await.json["lookedUp"], "0");
    office.folk.down.store(false, Ordering::SeqCst);
    assert_eq!(office.until_done(ACME, &job).await["matched"], "1");

    office.folk.down.store(true, Ordering::SeqCst);
    let path = format!("/v1/lookupJobs/{job}/results");
    assert_eq!(office.get(ACME, &path).await.json["reason"], "PEER_UNAVAILABLE");
    office.folk.down.store(false, Ordering::SeqCst);
    assert_eq!(office.rows(ACME, &job, "results").await.len(), 1);
}

#[tokio::test]
async fn a_long_file_of_one_key_does_not_keep_another_waiting() {
    let office = Office::open().await;
    office.folk.down.store(true, Ordering::SeqCst);
    let long = office.create(ACME).await;
    office.put(ACME, &long, 1, strangers(12_000)).await;
    office.close(ACME, &long).await;
    let short = office.create("other").await;
    office.put("other", &short, 1, strangers(2_000)).await;
    office.close("other", &short).await;
    office.folk.down.store(false, Ordering::SeqCst);

    office.until_done(ACME, &long).await;
    office.until_done("other", &short).await;

    let asked = office.folk.asked.lock().expect("nobody panics").clone();
    assert!(asked.iter().all(|it| it.customers == 1_000), "{asked:?}");
    assert_eq!(asked.len(), 14, "each row once");
    let last = asked.iter().rposition(|it| it.caller == "other").expect("it was");
    assert!(last < 8, "by turns: {asked:?}");
}

#[tokio::test]
async fn what_is_fetched_goes_on_after_the_last_row_that_is_there() {
    let office = Office::open().await;
    for row in (0..2_500).step_by(2) {
        office.folk.add(&format!("{row}@example.net"), 1_000 + row);
    }
    let csv = strangers(2_500);
    let rows: Vec<&str> = csv.lines().skip(1).collect();
    let job = office.create(ACME).await;
    for (part, rows) in (1..).zip(rows.chunks(1_100)) {
        let csv = format!("email\n{}\n", rows.join("\n"));
        assert_eq!(office.put(ACME, &job, part, csv).await.status, StatusCode::OK);
    }
    office.close(ACME, &job).await;
    office.until_done(ACME, &job).await;
    for outcome in ["results", "unmatched"] {
        let all = office.rows(ACME, &job, outcome).await;
        assert_eq!(all.len(), 1_250);
        for there in [1, 499, 500, 501, 1_000, 1_249, 1_250] {
            let last = all[there - 1].rsplit_once(',').expect("a row number").1;
            let path = format!("/v1/lookupJobs/{job}/{outcome}?skip={last}");
            let rest = office.get(ACME, &path).await;
            let rest: Vec<&str> = rest.text.lines().collect();
            assert_eq!(rest, all[there..], "{outcome} after {there}");
        }
    }
    for wrong in ["skip=-1", "skip=x", "after=1"] {
        let answer = office.get(ACME, &format!("/v1/lookupJobs/{job}/results?{wrong}")).await;
        assert_eq!(answer.json["reason"], "FIELD_INVALID", "{wrong}");
    }
}

#[tokio::test]
async fn over_grpc_it_is_the_same() {
    let office = Office::open().await;
    office.folk.add("ann@example.org", 42);
    let job = office.create(ACME).await;
    let mut client = LookupServiceClient::new(office.channel().await);
    let signed = |key: &str| token(key, "crm").parse().expect("a header");
    let mut upload = async |key: &str, pieces: Vec<Piece>| {
        let pieces = pieces.into_iter().map(|it| UploadLookupRowsRequest { piece: Some(it) });
        let pieces: Vec<_> = pieces.collect();
        let mut request = Request::new(tokio_stream::iter(pieces));
        request.metadata_mut().insert("x-api-key", signed(key));
        client.upload_lookup_rows(request).await
    };
    let part = || Piece::Part(LookupPart { job: job.clone(), part: 1 });
    let csv = |text: &str| Piece::Csv(text.into());
    let unnamed = upload(ACME, vec![csv("email\n")]).await.expect_err("which part?");
    assert_eq!(unnamed.code(), Code::InvalidArgument);
    let others = upload("other", vec![part(), csv("email\n")]).await.expect_err("whose?");
    assert_eq!(reason(&others).as_deref(), Some("LOOKUP_JOB_UNKNOWN"));
    let pieces = vec![part(), csv("key,em"), csv("ail\nC-1,ann@example"), csv(".org\n")];
    let taken = upload(ACME, pieces).await.expect("taken").into_inner().job.expect("a job");
    assert_eq!(taken.rows, 1);
    office.close(ACME, &job).await;
    office.until_done(ACME, &job).await;

    let mut client = LookupServiceClient::new(office.channel().await);
    let outcome = "results".to_owned();
    let mut request = Request::new(DownloadLookupRowsRequest { job, outcome, skip: 0 });
    request.metadata_mut().insert("x-api-key", signed(ACME));
    let mut rows = client.download_lookup_rows(request).await.expect("begun").into_inner();
    let mut text = String::new();
    while let Some(message) = rows.message().await.expect("sent") {
        text.push_str(std::str::from_utf8(&message.csv).expect("UTF-8"));
    }
    assert!(
        text.starts_with("key,person,") && text.contains("\nC-1,42,0.97,email,61.57,"),
        "{text}"
    );
}

#[tokio::test]
async fn a_job_whose_time_is_over_is_gone_with_everything() {
    let office = Office::open_with(klout_testkit::Stores::fresh().await, Folk::default()).await;
    office.folk.add("ann@example.org", 42);
    let job = office.look_up(ACME, "email\nann@example.org\nbob@example.org\n").await;
    let kept = office.look_up(ACME, "email\nann@example.org\n").await;
    sqlx::query("update gateway.lookup_job set expire_time = now() where job_id = $1")
        .bind(job.parse::<i64>().expect("a number"))
        .execute(&office.db)
        .await
        .expect("a week has passed");
    assert_eq!(office.job(ACME, &job).await.json["reason"], "LOOKUP_JOB_UNKNOWN");

    // What is swept each minute is swept at the start.
    let office = office.open_again().await;

    until("everything of it is gone", async || {
        let count = "select (select count(*) from gateway.lookup_job) + (select count(*) from gateway.lookup_part)
                + (select count(*) from gateway.lookup_chunk) + (select count(*) from gateway.lookup_result)";
        sqlx::query_scalar::<_, i64>(count).fetch_one(&office.db).await.expect("counted") == 4
    })
    .await;
    assert_eq!(office.rows(ACME, &kept, "results").await.len(), 1);
}
