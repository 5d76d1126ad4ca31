//! The same list as CSV: one page of it, or all pages one after another, made while they are read.

use std::{io, time::Duration};

use axum::{
    body::{Body, Bytes},
    response::Response,
};
use futures::{Stream, stream};
use http::{
    HeaderMap, HeaderValue,
    header::{ACCEPT, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE, LINK, TRAILER, VARY},
};
use http_body::Frame;
use http_body_util::StreamBody;
use klout_chassis::{Link, within};
use klout_model::sheet_cell;
use klout_proto::{
    convert,
    profile::v1::{
        ListPeopleRequest, ListPeopleResponse, ListedPerson,
        lookup_service_client::LookupServiceClient,
    },
    score::v1::Score,
};
use prost_reflect::DynamicMessage;
use time::format_description::well_known::Rfc3339;
use tokio_util::sync::CancellationToken;
use tonic::Status;
use tracing::info;

use crate::call::to_caller;

/// The RPC whose answer can be had so.
pub(crate) const RPC: &str = "klout.profile.v1.LookupService/ListPeople";

const MEDIA_TYPE: &str = "text/csv";

/// People on a page of a list that is read as a whole.
const PAGE: i32 = 1_000;

const COLUMNS: [&str; 10] = [
    "person",
    "display_name",
    "country",
    "city",
    "networks",
    "topics",
    "score",
    "percentile",
    "confidence",
    "score_time",
];

/// How a list is read as a whole.
#[derive(Clone, Debug)]
pub(crate) struct Reading {
    /// For whom it is asked.
    pub(crate) link: Link,
    /// How long a page may take.
    pub(crate) page_time_max: Duration,
    /// After so many people it ends, at the end of a page.
    pub(crate) rows_max: usize,
    /// It breaks off when this process is about to stop.
    pub(crate) going_down: CancellationToken,
}

/// A list that is being read.
#[derive(Debug)]
struct Pages {
    reading: Reading,
    /// What to ask for next.
    request: ListPeopleRequest,
    /// A page that was asked for before anything was answered.
    first: Option<ListPeopleResponse>,
    rows: usize,
}

/// What comes next of it.
#[derive(Debug)]
enum Next {
    Page(Box<Pages>),
    /// The list was ended here, and goes on with this token.
    Token(String),
    Nothing,
}

/// Whether a caller wants CSV.
pub(crate) fn is_wanted(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(ACCEPT).iter().filter_map(|it| it.to_str().ok());
    accepted.flat_map(|it| it.split(',')).any(|range| {
        let mut parts = range.split(';').map(str::trim);
        parts.next().is_some_and(|media| media.eq_ignore_ascii_case(MEDIA_TYPE))
            && !parts.any(|it| matches!(it, "q=0" | "q=0.0" | "q=0.00" | "q=0.000"))
    })
}

/// Answers a request whose size of a page says whether one page is wanted or everything. What goes wrong before the
/// first page is told as it is for JSON.
pub(crate) async fn answer(
    reading: Reading,
    request: &DynamicMessage,
    query: &str,
) -> Result<Response, Status> {
    let mut request: ListPeopleRequest =
        request.transcode_to().map_err(|error| Status::from_error(error.into()))?;
    let one_page = request.page_size != 0;
    if !one_page {
        request.page_size = PAGE;
    }
    let first = ask(&reading, request.clone()).await?;
    let mut response = if one_page {
        let mut response = Response::new(Body::from(rows(&first.people, true)));
        if !first.next_page_token.is_empty() {
            response.headers_mut().insert(LINK, link(query, &first.next_page_token));
        }
        response
    } else {
        let pages = Pages { reading, request, first: Some(first), rows: 0 };
        let mut response =
            Response::new(Body::new(StreamBody::new(frames(pages, query.to_owned()))));
        response.headers_mut().insert(TRAILER, HeaderValue::from_static("link"));
        response
    };
    let headers = response.headers_mut();
    for (name, value) in [
        (CONTENT_TYPE, "text/csv; charset=utf-8; header=present"),
        (CONTENT_DISPOSITION, "attachment; filename=\"people.csv\""),
        // People leave, and nobody is asked again before this is shown.
        (CACHE_CONTROL, "private, no-store"),
        (VARY, "accept"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    Ok(response)
}

async fn ask(reading: &Reading, request: ListPeopleRequest) -> Result<ListPeopleResponse, Status> {
    let mut client = LookupServiceClient::new(reading.link.clone())
        .max_decoding_message_size(klout_proto::BATCH_BYTES_MAX);
    let listed = within(reading.page_time_max, client.list_people(request)).await?;
    Ok(listed.map_err(to_caller)?.into_inner())
}

/// The rows of all pages, and where the list goes on when it was ended.
fn frames(pages: Pages, query: String) -> impl Stream<Item = Result<Frame<Bytes>, io::Error>> {
    stream::try_unfold(Next::Page(Box::new(pages)), move |next| {
        let query = query.clone();
        async move {
            match next {
                Next::Page(pages) => {
                    let (rows, next) = pages.read().await?;
                    Ok(Some((Frame::data(rows.into()), next)))
                }
                Next::Token(token) => {
                    let trailers = HeaderMap::from_iter([(LINK, link(&query, &token))]);
                    Ok(Some((Frame::trailers(trailers), Next::Nothing)))
                }
                Next::Nothing => Ok(None),
            }
        }
    })
}

/// Where the page with this token is, beside what was asked for.
fn link(query: &str, token: &str) -> HeaderValue {
    let mut address = form_urlencoded::Serializer::new(String::new());
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        if !matches!(&*name, "pageToken" | "page_token") {
            address.append_pair(&name, &value);
        }
    }
    address.append_pair("pageToken", token);
    let link = format!("</v1/people?{}>; rel=\"next\"", address.finish());
    HeaderValue::try_from(link).expect("what is percent-encoded can stand in a header")
}

fn rows(people: &[ListedPerson], with_header: bool) -> Vec<u8> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let written = "memory can be written to";
    if with_header {
        writer.write_record(COLUMNS).expect(written);
    }
    for person in people {
        writer.write_record(row(person)).expect(written);
    }
    writer.into_inner().expect(written)
}

fn row(person: &ListedPerson) -> [String; COLUMNS.len()] {
    let ListedPerson { score, display_name, country, city, networks, topics } = person;
    let Score { person, score, percentile, confidence, score_time, .. } =
        score.clone().unwrap_or_default();
    let text = |text: &str| sheet_cell(text).into_owned();
    let number = |value: Option<f64>| value.map(|it| it.to_string()).unwrap_or_default();
    let time = score_time.as_ref().and_then(convert::time);
    let time = time.and_then(|it| it.format(&Rfc3339).ok()).unwrap_or_default();
    [
        person,
        text(display_name),
        text(country),
        text(city),
        text(&networks.join("; ")),
        text(&topics.join("; ")),
        number(score),
        number(percentile),
        number(confidence),
        time,
    ]
}

// === impl Pages ===

impl Pages {
    /// The rows up to the end of a page on which there are any, and what comes next.
    async fn read(mut self: Box<Self>) -> Result<(Vec<u8>, Next), io::Error> {
        let with_header = self.first.is_some();
        loop {
            let page = self.page().await?;
            self.rows += page.people.len();
            let next = match page.next_page_token {
                token if token.is_empty() => Next::Nothing,
                token if self.rows >= self.reading.rows_max => Next::Token(token),
                token => {
                    self.request.page_token = token;
                    if page.people.is_empty() && !with_header {
                        continue;
                    }
                    let rows = rows(&page.people, with_header);
                    return Ok((rows, Next::Page(self)));
                }
            };
            return Ok((rows(&page.people, with_header), next));
        }
    }

    async fn page(&mut self) -> Result<ListPeopleResponse, io::Error> {
        if let Some(first) = self.first.take() {
            return Ok(first);
        }
        // Whoever reads sees that the list broke off, as its end is missing.
        let asked = tokio::select! {
            asked = ask(&self.reading, self.request.clone()) => asked,
            () = self.reading.going_down.cancelled() => {
                return Err(io::Error::other("this process is about to stop"));
            }
        };
        asked
            .inspect_err(|status| info!(error = %status, "a list of people breaks off"))
            .map_err(io::Error::other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(display_name: &str) -> ListedPerson {
        ListedPerson {
            score: Some(Score {
                person: "42".to_owned(),
                score: Some(61.5),
                percentile: Some(97.25),
                ..Score::default()
            }),
            display_name: display_name.to_owned(),
            city: "Paris, Texas".to_owned(),
            networks: vec!["bluesky".to_owned(), "github".to_owned()],
            ..ListedPerson::default()
        }
    }

    #[test]
    fn a_row_is_read_back_as_it_was_written() {
        let written = rows(&[listed("=HYPERLINK(\"x\")\n, Ann"), listed("Bob")], true);
        let mut reader = csv::Reader::from_reader(written.as_slice());
        assert_eq!(reader.headers().expect("a header"), &csv::StringRecord::from(COLUMNS.to_vec()));
        let rows: Vec<_> = reader.records().collect::<Result<_, _>>().expect("rows");
        assert_eq!(rows.len(), 2);
        assert_eq!(
            rows[0].iter().collect::<Vec<_>>(),
            [
                "42",
                "'=HYPERLINK(\"x\")\n, Ann",
                "",
                "Paris, Texas",
                "bluesky; github",
                "",
                "61.5",
                "97.25",
                "",
                "",
            ]
        );
    }

    #[test]
    fn csv_is_answered_to_who_accepts_it() {
        let wanted = |accept: &str| {
            let accept = HeaderValue::from_str(accept).expect("a header");
            is_wanted(&HeaderMap::from_iter([(ACCEPT, accept)]))
        };
        for accept in ["text/csv", "TEXT/CSV; header=present", "application/json;q=0.5, text/csv"] {
            assert!(wanted(accept), "{accept}");
        }
        for accept in ["", "*/*", "application/json", "text/*", "text/csv;q=0", "text/csvx"] {
            assert!(!wanted(accept), "{accept}");
        }
        assert!(!is_wanted(&HeaderMap::new()));
    }

    #[test]
    fn a_link_asks_for_the_same_people() {
        let link = link("minScore=50&pageToken=a.1&city=K%C3%B6ln", "b.2~3.4");
        assert_eq!(
            link,
            "</v1/people?minScore=50&city=K%C3%B6ln&pageToken=b.2%7E3.4>; rel=\"next\""
        );
    }
}
