//! Klout's files, and their traps.

use klout_ontology::{File, Language, Notice, Ontology};

use crate::{file, gzip};

const TOPICS: &str = "\
\"topicId\",\"topicSlug\",\"topicDisplayName\",\"wikiItemId\",\"freebaseMachineId\"
0,\"_ROOT_\",\"Root\",null,null
10000000000000000001,\"arts-super\",\"Arts\",\"Q735\",\"0jjw\"
5,\"jazz\",\"Jazz\",\"Q8341\",\"03_d0\"
10000000000000020305,\"hard-bop\",\"Hard Bop\",null,null
";

const EDGES: &str = "\
\"parentTopicId\",\"parrentTopicSlug\",\"childTopicId\",\"childTopicSlug\"
0,\"_ROOT_\",0,\"_ROOT_\"
0,\"_ROOT_\",10000000000000000001,\"arts-super\"
10000000000000000001,\"arts-super\",5,\"jazz\"
8,\"swing-music\",10000000000000020305,\"hard-bop\"
5,\"jazz\",8,\"swing-music\"
";

const NAMES: &str = "\
\"topicId\",\"language\",\"topicDisplayName\"
5,\"ar\",\"جاز\"
5,\"en\",\"Jazz\"
8,\"de\",\"Swing\"
10000000000000020305,\"fr\",null
77,\"fr\",\"Rien\"
";

fn read(files: &[(&str, &str)]) -> Result<(Ontology, Vec<Notice>), Vec<String>> {
    let files = files.iter().map(|(name, text)| file(name, text)).collect();
    let told = |flaws: Vec<klout_ontology::Flaw>| flaws.iter().map(ToString::to_string).collect();
    Ontology::read("klout", "20180601", files).map_err(told)
}

fn flaws(topics: &str, edges: &str, names: &str) -> Vec<String> {
    let mut files = vec![("t.csv", topics), ("e.csv", edges)];
    files.extend((!names.is_empty()).then_some(("n.csv", names)));
    read(&files).expect_err("it has flaws")
}

#[test]
fn the_traps_are_told_and_nothing_is_lost() {
    let (ontology, notices) = read(&[
        ("t.csv", TOPICS),
        ("e.csv", EDGES),
        ("n.csv", NAMES),
        ("labels.csv", "a,b\n1,2\n"),
    ])
    .expect("it is read");
    let notices: Vec<String> = notices.iter().map(ToString::to_string).collect();
    assert_eq!(
        notices,
        [
            "e.csv:2: the root is part of itself, which says nothing; left out",
            "labels.csv: is no file of an ontology by its first line, and was left out",
            "t.csv:2: the root is no topic, and was left out",
            "e.csv:6: the topic 8 has no row; it is named after its slug \"swing-music\"",
            "n.csv:6: 1 names are of topics that are not there, and were left out",
        ]
    );
    assert_eq!(ontology.topics().len(), 4);
    let hard_bop = ontology.find("10000000000000020305").expect("above 2^63").id;
    assert_eq!(ontology.find("hard-bop").expect("by slug").id, hard_bop);
    assert_eq!(ontology.level(hard_bop), 4);
    assert_eq!(ontology.get(hard_bop).and_then(|it| it.wikidata.as_deref()), None);
    let swing = ontology.find("8").expect("a topic of the edges");
    assert_eq!((swing.slug.as_str(), swing.english_name()), ("swing-music", "Swing music"));
    assert_eq!(ontology.children(swing.id), [hard_bop]);
    let german = "de".parse::<Language>().expect("a language");
    assert_eq!(ontology.display_name(swing.id, Some(german)), ("Swing", german));
    let jazz = ontology.find("jazz").expect("a topic").id;
    assert_eq!(ontology.display_name(jazz, Some(german)), ("Jazz", Language::ENGLISH));
    assert_eq!(ontology.search("جاز", None), [jazz]);
}

#[test]
fn the_order_of_rows_and_files_their_names_and_gzip_do_not_matter() {
    let (first, _) =
        read(&[("t.csv", TOPICS), ("e.csv", EDGES), ("n.csv", NAMES)]).expect("it is read");
    let backwards = |text: &str| {
        let mut lines: Vec<&str> = text.lines().collect();
        lines[1..].reverse();
        lines.join("\r\n")
    };
    let packed =
        |name: &str, text: &str| File { name: name.to_owned(), content: gzip(text.as_bytes()) };
    let edges = EDGES.replace("parrentTopicSlug", "parentTopicSlug");
    let files = vec![
        packed("1", &backwards(NAMES)),
        packed("2", &backwards(TOPICS)),
        packed("3", &format!("\u{feff}{}", backwards(&edges))),
    ];
    let (second, _) = Ontology::read("klout", "20180601", files).expect("it is read");
    assert_eq!(first.checksum(), second.checksum());
}

#[test]
fn what_tells_of_health_or_faith_is_sensitive_and_music_is_not() {
    let rows = "1,\"religion\",\"Religion\",\"Q9174\",null\n2,\"illnesses\",\"Diseases\",\"Q12136\",null\n\
                3,\"gout\",\"Gout\",null,null\n4,\"christian-music\",\"Christian Music\",null,null\n\
                6,\"johnny-cash\",\"Johnny Cash\",null,null\n";
    let edges = "2,\"illnesses\",3,\"gout\"\n1,\"religion\",4,\"christian-music\"\n4,\"christian-music\",6,\"johnny-cash\"\n";
    let (topics, edges) = (format!("{TOPICS}{rows}"), format!("{EDGES}{edges}"));
    let (ontology, _) = read(&[("t.csv", &topics), ("e.csv", &edges)]).expect("it is read");
    for ontology in [&ontology, &Ontology::parse(&ontology.write()).expect("we wrote it")] {
        let sensitive = ontology.topics().iter().filter(|topic| ontology.is_sensitive(topic.id));
        let sensitive: Vec<&str> = sensitive.map(|topic| topic.slug.as_str()).collect();
        assert_eq!(sensitive, ["religion", "illnesses", "gout"]);
    }
}

#[test]
fn what_is_sensitive_of_ours_leads_to_nothing_open_of_klout_s() {
    let ours = Ontology::shipped();
    let numbered = || ours.topics().iter().zip(1..);
    let row = |id: usize, slug: &str, item: Option<&str>| {
        let item = item.map_or("null".to_owned(), |item| format!("\"{item}\""));
        format!("{id},\"{slug}\",\"A name\",{item},null\n")
    };
    let first = |text: &str| text.lines().next().expect("a line").to_owned() + "\n";
    let by_slug = numbered().map(|(topic, id)| row(id, &topic.slug, None));
    let by_item = numbered().filter(|(topic, _)| topic.wikidata.is_some());
    let by_item = by_item.map(|(topic, id)| row(id, &format!("t{id}"), topic.wikidata.as_deref()));
    for rows in [by_slug.collect::<String>(), by_item.collect()] {
        let (topics, edges) = (first(TOPICS) + &rows, first(EDGES));
        let (klout, _) = read(&[("t.csv", &topics), ("e.csv", &edges)]).expect("it is read");
        let moves = Ontology::moves(ours, &klout);
        let exact = moves.iter().filter(|it| it.by.is_exact());
        let (mut sensitive, mut open) = (0, 0);
        for (from, to) in exact.filter_map(|it| Some((it.from, it.to?))) {
            let is_sensitive = ours.is_sensitive(from);
            assert_eq!(
                klout.is_sensitive(to),
                is_sensitive,
                "{}",
                ours.get(from).expect("it is ours").slug
            );
            *if is_sensitive { &mut sensitive } else { &mut open } += 1;
        }
        assert!(sensitive > 10 && open > 100, "{sensitive} {open}");
    }
}

#[test]
fn ids_that_cannot_be_are_told_with_their_line() {
    for bad in ["18446744073709551616", "0", "-7", "x", "", "null", "007"] {
        let said = flaws(&TOPICS.replace("\n5,", &format!("\n{bad},")), EDGES, NAMES);
        let expected = format!("t.csv:4: the id {bad:?}: a topic is a decimal number from 1 to");
        assert!(said[0].starts_with(&expected), "{said:?}");
        let edges = EDGES.replace("\n8,", &format!("\n{bad},"));
        assert!(flaws(TOPICS, &edges, NAMES)[0].starts_with("e.csv:5: the id "));
        let names = NAMES.replace("\n8,", &format!("\n{bad},"));
        let said = read(&[("t.csv", TOPICS), ("e.csv", EDGES), ("n.csv", &names)]);
        match said {
            Ok(_) => assert_eq!(bad, "0", "the root's names say nothing"),
            Err(said) => assert!(said[0].starts_with("n.csv:4: the id "), "{said:?}"),
        }
    }
}

#[test]
fn one_slug_or_id_for_two_topics_is_told_with_both_lines() {
    let said = flaws(&format!("{TOPICS}6,\"jazz\",\"Jazz\",null,null\n"), EDGES, NAMES);
    assert_eq!(said, ["t.csv:6: \"jazz\" is the slug of two topics: 5, at t.csv:4, and 6"]);
    let said = flaws(&format!("{TOPICS}5,\"free-jazz\",\"Jazz\",null,null\n"), EDGES, NAMES);
    assert_eq!(
        said,
        ["t.csv:6: 5 is the id of two topics: \"jazz\", at t.csv:4, and \"free-jazz\""]
    );
}

#[test]
fn cycles_and_parents_from_nowhere_are_told_with_their_line() {
    let said =
        flaws(TOPICS, &format!("{EDGES}5,\"jazz\",10000000000000000001,\"arts-super\"\n"), NAMES);
    assert_eq!(said, ["t.csv:4: the topic \"jazz\" is part of itself: \"jazz ⊂ arts-super\""]);
    let said = flaws(TOPICS, &format!("{EDGES}5,\"jazz\",5,\"jazz\"\n"), NAMES);
    assert_eq!(said, ["e.csv:7: the topic \"jazz\" is part of itself"]);
    let said = flaws(TOPICS, &format!("{EDGES}99,\"nowhere\",5,\"jazz\"\n"), NAMES);
    assert_eq!(said, ["e.csv:7: \"jazz\" is part of 99, which is no topic"]);
}

#[test]
fn a_file_that_is_missing_cut_off_or_something_else_is_told() {
    let said = read(&[("t.csv", TOPICS)]).expect_err("no edges");
    assert!(said[0].starts_with("there is no file of edges"), "{said:?}");
    let said = read(&[("e.csv", EDGES)]).expect_err("no topics");
    assert!(said[0].starts_with("there is no file of topics"), "{said:?}");
    let said = read(&[("readme", "Hello\n")]).expect_err("nothing at all");
    assert!(said[0].starts_with("there is no file of an ontology"), "{said:?}");
    let said = read(&[("t.csv", TOPICS), ("e.csv", EDGES), ("x.toml", "")]).expect_err("two kinds");
    assert!(said[0].starts_with("there are files of two kinds"), "{said:?}");

    let said = flaws(&format!("{TOPICS}9,\"so"), EDGES, "");
    assert_eq!(said, ["t.csv:6: has 2 columns, and the first line 5"]);
    let rows = (100..130).map(|it| format!("5,\"jazz\",{it},\"t{it}\"\n"));
    let said = flaws(TOPICS, &format!("{EDGES}{}", rows.collect::<String>()), "");
    assert!(said[0].starts_with("e.csv:6: 31 topics of the edges have no row"), "{said:?}");
    let bad = [TOPICS.as_bytes(), b"9,\"\xff\",\"Name\",null,null\n"].concat();
    let files = vec![file("e.csv", EDGES), File { name: "t.csv".to_owned(), content: bad }];
    let flaws = Ontology::read("klout", "1", files).expect_err("not UTF-8");
    assert_eq!(flaws[0].to_string(), "t.csv:6: is not UTF-8");
}
