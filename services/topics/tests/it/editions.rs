//! Ontologies come into use, and people's topics with them.

use klout_chassis::reason;
use klout_proto::topic::v1::{
    Edition, GetTopicRequest, ListEditionsRequest, OntologyHeader, OntologyPiece,
    UseEditionRequest, UseEditionResponse, import_ontology_request::Part,
};
use tonic::Status;

use crate::{
    signals::known_for,
    world::{GARDEN, World, slug},
};

/// Another ontology: tomatoes by another id, gardening by its item, no lambs, and nothing of hurricanes.
const ORCHARD: &str = r#"
[[topic]]
id = 51
slug = "growing"
names = { en = "Growing" }
wikidata = "Q14748"

[[topic]]
id = 52
slug = "tomatoes"
parents = ["growing"]
names = { en = "Tomatoes" }

[[topic]]
id = 53
slug = "animals"
names = { en = "Animals" }
"#;

impl World {
    async fn editions(&self) -> Vec<Edition> {
        let listed = self.operator().list_editions(ListEditionsRequest::default()).await;
        listed.expect("listed").into_inner().editions
    }

    async fn go_over(&self, ontology: &str, edition: &str) -> Result<UseEditionResponse, Status> {
        let request =
            UseEditionRequest { ontology: ontology.to_owned(), edition: edition.to_owned() };
        Ok(self.operator().use_edition(request).await?.into_inner())
    }

    async fn in_use(&self) -> String {
        let editions = self.editions().await;
        let in_use = editions.into_iter().find(|it| it.in_use).expect("one is");
        format!("{}/{}", in_use.ontology, in_use.edition)
    }

    async fn orchard(&self) -> (i32, i32, i32) {
        let header = OntologyHeader { ontology: "orchard".to_owned(), edition: "1".to_owned() };
        let content = ORCHARD.as_bytes().to_vec();
        let piece = OntologyPiece { file: "orchard.toml".to_owned(), content };
        let imported = self.import_parts(vec![Part::Header(header), Part::Piece(piece)]).await;
        let imported = imported.expect("an ontology");
        (imported.kept, imported.moved, imported.gone)
    }
}

#[tokio::test]
async fn the_ontology_that_ships_is_in_use_at_first() {
    let world = World::start(&[]).await;
    let editions = world.editions().await;
    assert_eq!(editions.len(), 1);
    assert!(editions[0].in_use && editions[0].topics > 0);
    assert_eq!(editions[0].checksum.len(), 64);
    assert_eq!(editions[0].ontology, "klout-open");
}

#[tokio::test]
async fn an_edition_moves_what_people_are_known_for_and_the_way_back_loses_nothing() {
    let world = World::in_the_garden().await;
    world.join(1, 71).await;
    world.declare(71, &["lambs", "gardening"]).await.expect("declared");
    world.veto(71, "hurricanes").await.expect("vetoed");
    for batch in known_for(1, "tomatoes in a tropical storm", 4) {
        world.apply(batch).await.expect("applied");
    }
    world.settled().await;
    assert_eq!(world.people("tomatoes").await, [71]);

    // Gardening, tomatoes and animals are the same; lambs are animals; the rest is nothing of an orchard.
    let (kept, moved, gone) = world.orchard().await;
    assert_eq!((kept, moved, gone), (3, 1, 5));
    assert_eq!(world.people("tomatoes").await, [71], "at once");
    world.settled().await;
    assert_eq!(world.people("52").await, [71]);
    assert_eq!(world.people("growing").await, [71]);
    let listed: Vec<String> = world.topics(71).await.iter().map(slug).collect();
    assert!(listed.contains(&"animals".to_owned()), "it stands in for lambs: {listed:?}");
    let found = world
        .client()
        .get_topic(GetTopicRequest { topic: "5".to_owned(), language: String::new() })
        .await
        .expect("an id of before")
        .into_inner();
    assert_eq!(found.topic.expect("always present").slug, "animals");

    world.go_over("garden", "1").await.expect("the way back");
    world.settled().await;
    let listed: Vec<String> = world.topics(71).await.iter().map(slug).collect();
    for topic in ["tomatoes", "gardening", "lambs"] {
        assert!(listed.contains(&topic.to_owned()), "{topic} of {listed:?}");
    }
    assert!(!listed.contains(&"hurricanes".to_owned()), "the veto waited: {listed:?}");
    assert!(world.people("hurricanes").await.is_empty());
    assert!(!listed.contains(&"animals".to_owned()), "nothing stands in any more: {listed:?}");
}

#[tokio::test]
async fn who_declares_what_stands_in_has_declared_it() {
    let world = World::in_the_garden().await;
    world.join(1, 71).await;
    world.declare(71, &["lambs"]).await.expect("declared");
    world.orchard().await;
    world.declare(71, &["animals"]).await.expect("declared");

    world.go_over("garden", "1").await.expect("the way back");
    let listed: Vec<String> = world.topics(71).await.iter().map(slug).collect();
    assert_eq!(listed, ["animals"]);
}

#[tokio::test]
async fn posts_are_read_again_with_another_edition() {
    let world = World::in_the_garden().await;
    world.join(1, 71).await;
    for batch in known_for(1, "my courgettes", 4) {
        world.apply(batch).await.expect("applied");
    }
    world.settled().await;
    assert!(world.earned(71).await.is_empty());

    let more = format!(
        "{GARDEN}\n[[topic]]\nid = 11\nslug = \"courgettes\"\nparents = [\"gardening\"]\n\
         names = {{ en = \"Courgettes\" }}\n"
    );
    let imported = world.import("2", &[("garden.toml", &more)]).await.expect("an edition");
    assert_eq!((imported.kept, imported.moved, imported.gone), (9, 0, 0));
    world.settled().await;
    assert_eq!(world.people("courgettes").await, [71]);
    assert_eq!(world.editions().await[0].posts_left, 0);
}

#[tokio::test]
async fn an_edition_with_a_flaw_changes_nothing_and_says_where_it_is() {
    let world = World::in_the_garden().await;
    let in_use = world.in_use().await;
    let cycle = GARDEN.replace("slug = \"nature\"", "slug = \"nature\"\nparents = [\"lambs\"]");
    let dangling = GARDEN.replace("parents = [\"animals\"]", "parents = [\"beasts\"]");
    let twice = GARDEN.replace("slug = \"lambs\"", "slug = \"food\"");
    let beyond = GARDEN.replace("10000000000000020305", "18446744073709551616");
    for flawed in [cycle, dangling, twice, beyond, "[[topic".to_owned(), String::new()] {
        let refused = world.import("2", &[("bad.toml", &flawed)]).await.expect_err("refused");
        assert_eq!(reason(&refused).as_deref(), Some("ONTOLOGY_INVALID"), "{refused:?}");
        assert!(refused.message().contains("bad.toml") || flawed.is_empty(), "{refused:?}");
    }
    let nothing = world.import("2", &[]).await.expect_err("no files");
    assert_eq!(reason(&nothing).as_deref(), Some("ONTOLOGY_INVALID"));
    assert_eq!(world.in_use().await, in_use);
}

#[tokio::test]
async fn an_edition_has_one_content_and_importing_it_again_changes_nothing() {
    let world = World::in_the_garden().await;
    let again = world.import("1", &[("garden.toml", GARDEN)]).await.expect("the same");
    assert_eq!((again.kept, again.moved, again.gone), (9, 0, 0));
    let other = GARDEN.replace("Lambs", "Sheep");
    let refused = world.import("1", &[("garden.toml", &other)]).await.expect_err("another");
    assert_eq!(reason(&refused).as_deref(), Some("EDITION_DIFFERS"));
    let unknown = world.go_over("garden", "7").await.expect_err("not there");
    assert_eq!(reason(&unknown).as_deref(), Some("EDITION_UNKNOWN"));
    assert_eq!(world.editions().await.len(), 2);
    let first = ListEditionsRequest { page_size: 1, ..ListEditionsRequest::default() };
    let first = world.operator().list_editions(first).await.expect("a page").into_inner();
    let second = ListEditionsRequest { page_size: 1, page_token: first.next_page_token };
    let second = world.operator().list_editions(second).await.expect("a page").into_inner();
    let listed = [&first.editions[0].ontology, &second.editions[0].ontology];
    assert_eq!(listed, ["garden", "klout-open"]);
    assert!(second.next_page_token.is_empty());
}

#[tokio::test]
async fn what_is_no_edition_is_refused() {
    let world = World::start(&[]).await;
    let header = |ontology: &str, edition: &str| {
        Part::Header(OntologyHeader { ontology: ontology.to_owned(), edition: edition.to_owned() })
    };
    let piece = |file: &str, content: Vec<u8>| {
        Part::Piece(OntologyPiece { file: file.to_owned(), content })
    };
    let long = "x".repeat(65);
    for parts in [
        vec![],
        vec![piece("a", vec![])],
        vec![header("", "1")],
        vec![header("A", "1")],
        vec![header(&long, "1")],
        vec![header("a", "")],
        vec![header("a", "1/2")],
        vec![header("a", "1"), header("a", "1")],
        vec![header("a", "1"), piece("a", vec![]), piece("b", vec![]), piece("a", vec![])],
    ] {
        let refused = world.import_parts(parts).await.expect_err("refused");
        assert_eq!(reason(&refused).as_deref(), Some("FIELD_INVALID"));
    }
    let mut parts = vec![header("a", "1")];
    parts.extend((0..65).map(|it| piece(&it.to_string(), vec![b' '; 1024 * 1024])));
    let refused = world.import_parts(parts).await.expect_err("too much");
    assert_eq!(reason(&refused).as_deref(), Some("FIELD_INVALID"));
}

#[tokio::test]
async fn all_replicas_go_over_at_once() {
    let one = World::in_the_garden().await;
    let other = one.beside().await;
    assert_eq!(other.in_use().await, "garden/1");
    other.orchard().await;
    let found = one
        .client()
        .get_topic(GetTopicRequest { topic: "growing".to_owned(), language: String::new() })
        .await;
    assert!(found.is_ok());
}
