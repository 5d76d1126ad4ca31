//! People who are listed, as CSV.

use reqwest::{Method, StatusCode};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::{
    lookups::{Member, list_all, token, town, town_with},
    world::{Answer, World},
};

async fn csv(world: &World, query: &str) -> Answer {
    let key = token("crm");
    let headers = [("x-api-key", key.as_str()), ("accept", "text/csv")];
    world.send(Method::GET, &format!("/v1/people?{query}"), &headers, "").await
}

/// Whose rows these are.
fn people(answer: &Answer) -> Vec<String> {
    let mut reader = csv::Reader::from_reader(answer.text.as_bytes());
    let header = reader.headers().expect("a header");
    assert_eq!((&header[0], &header[6]), ("person", "score"));
    reader.records().map(|row| row.expect("a row")[0].to_owned()).collect()
}

#[tokio::test]
async fn a_list_is_csv_to_who_accepts_that_and_has_all_pages() {
    let (world, town) = town().await;
    town.join_many(2_500);

    let answer = csv(&world, "minScore=10").await;

    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.headers["content-type"], "text/csv; charset=utf-8; header=present");
    assert_eq!(answer.headers["cache-control"], "private, no-store");
    assert_eq!(people(&answer), list_all(&world, "minScore=10&pageSize=1000").await);
    assert!(!answer.headers.contains_key("link"));
    let none = csv(&world, "minScore=99.5").await;
    assert!(people(&none).is_empty(), "a header nevertheless");
}

#[tokio::test]
async fn one_page_of_csv_has_a_link_to_the_next() {
    let (world, town) = town().await;
    town.join_many(25);
    let all = list_all(&world, "maxScore=20").await;

    let (mut found, mut query) = (Vec::new(), "maxScore=20&pageSize=7".to_owned());
    loop {
        let answer = csv(&world, &query).await;
        found.extend(people(&answer));
        let Some(link) = answer.headers.get("link") else { break };
        let address =
            link.strip_prefix("</v1/people?").and_then(|it| it.strip_suffix(">; rel=\"next\""));
        query = address.expect("a link").to_owned();
    }
    assert_eq!(found, all);
}

#[tokio::test]
async fn what_people_are_called_is_no_formula_of_who_opens_the_list() {
    let (world, town) = town().await;
    let name = "=HYPERLINK(\"https://evil.example\", \"Ann\")";
    town.join(1, Member { name: name.to_owned(), score: Some(50.0), ..Member::default() });
    let answer = csv(&world, "").await;
    let mut reader = csv::Reader::from_reader(answer.text.as_bytes());
    let row = reader.records().next().expect("a row").expect("sound");
    assert_eq!(&row[1], &format!("'{name}"));
}

#[tokio::test]
async fn a_list_ends_after_so_many_people_and_its_trailer_says_where_it_goes_on() {
    let (world, town) = town_with(&[("gateway.csv_rows_max", "1500")]).await;
    town.join_many(3_500);
    let address = world.running.http_address.expect("a gateway");
    let mut stream = TcpStream::connect(address).await.expect("connected");
    let key = token("crm");
    let request = format!(
        "GET /v1/people?minScore=1 HTTP/1.1\r\nhost: klout\r\nx-api-key: {key}\r\naccept: text/csv\r\n\
         te: trailers\r\nconnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.expect("asked");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("answered");

    assert!(answer.starts_with("HTTP/1.1 200"), "{}", &answer[..200]);
    assert!(answer.contains("\r\ntrailer: link\r\n"), "{}", &answer[..400]);
    let link = answer.rsplit("\r\nlink: </v1/people?").next().expect("a trailer");
    let query = link.split('>').next().expect("an address");
    assert!(query.starts_with("minScore=1&pageToken="), "{query}");
    assert_eq!(people(&csv(&world, query).await).len(), 1_500, "the rest, as it ended with a page");
}
