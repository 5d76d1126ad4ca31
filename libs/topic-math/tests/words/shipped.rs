//! The taxonomy that ships, on posts as people write them.
//!
//! `posts.tsv` has a post a line: its language, the topics that a person gave it, and the text. They were
//! written before anybody knew what the matcher makes of them. Four labels were changed since: trains are
//! `railways`, where they had been `train-travel`.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, LazyLock},
};

use klout_model::TopicId;
use klout_ontology::Ontology;
use klout_topic_math::words::{Matcher, Words};

const POSTS: &str = include_str!("posts.tsv");

static MATCHER: LazyLock<Matcher> = LazyLock::new(|| Matcher::new(Arc::clone(Ontology::shipped())));

struct Post {
    language: &'static str,
    topics: BTreeSet<TopicId>,
    text: &'static str,
}

#[derive(Default)]
struct Judged {
    posts: usize,
    /// Topics that were told, and how many of them are the post's, or above one of its.
    told: usize,
    right: usize,
    exact: usize,
    /// Topics of the posts, and how many of them were told, or one below.
    given: usize,
    found: usize,
    /// Posts about nothing, and how many of them were said to be about something.
    nothing: usize,
    something: usize,
}

fn posts() -> Vec<Post> {
    let ontology = Ontology::shipped();
    let post = |line: &'static str| {
        let mut fields = line.splitn(3, '\t');
        let mut field = || fields.next().expect("three fields");
        let (language, topics, text) = (field(), field(), field());
        let topics = topics.split_ascii_whitespace();
        let topic = |slug: &str| {
            ontology.by_slug(slug).unwrap_or_else(|| panic!("no topic {slug}: {line}")).id
        };
        Post { language, topics: topics.map(topic).collect(), text }
    };
    POSTS.lines().map(post).collect()
}

impl Judged {
    fn judge(&mut self, post: &Post) {
        let ontology = Ontology::shipped();
        let words = Words { text: post.text, ..Words::default() };
        let told: Vec<TopicId> =
            MATCHER.topics(&words, &[]).into_iter().map(|it| it.topic).collect();
        let is_right = |it: &TopicId| {
            post.topics.iter().any(|of| of == it || ontology.ancestors(*of).contains(it))
        };
        let is_found =
            |it: &TopicId| told.iter().any(|of| of == it || ontology.ancestors(*of).contains(it));
        self.posts += 1;
        self.told += told.len();
        self.right += told.iter().filter(|it| is_right(it)).count();
        self.exact += told.iter().filter(|it| post.topics.contains(it)).count();
        self.given += post.topics.len();
        self.found += post.topics.iter().filter(|it| is_found(it)).count();
        if post.topics.is_empty() {
            self.nothing += 1;
            self.something += usize::from(!told.is_empty());
        }
    }

    fn precision(&self) -> f64 {
        share(self.right, self.told)
    }

    fn recall(&self) -> f64 {
        share(self.found, self.given)
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of topics")]
fn share(part: usize, of: usize) -> f64 {
    part as f64 / of.max(1) as f64
}

#[test]
fn posts_are_about_what_people_say_that_they_are() {
    let posts = posts();
    let (mut all, mut by_language) = (Judged::default(), BTreeMap::<_, Judged>::new());
    for post in &posts {
        all.judge(post);
        by_language.entry(post.language).or_default().judge(post);
    }
    println!("language posts precision (exact) recall nothing-as-something");
    for (language, judged) in by_language.iter().map(|it| (*it.0, it.1)).chain([("all", &all)]) {
        println!(
            "{language:<8} {:>5} {:>9.3} {:>7.3} {:>6.3} {}/{}",
            judged.posts,
            judged.precision(),
            share(judged.exact, judged.told),
            judged.recall(),
            judged.something,
            judged.nothing
        );
    }
    assert!(posts.len() >= 200);
    assert!(all.precision() >= 0.76, "{}", all.precision());
    assert!(all.recall() >= 0.82, "{}", all.recall());
}

fn about(text: &str) -> Vec<&'static str> {
    let words = Words { text, ..Words::default() };
    let told = MATCHER.topics(&words, &[]);
    told.iter().filter_map(|it| Some(&*Ontology::shipped().get(it.topic)?.slug)).collect()
}

#[test]
fn ordinary_words_are_no_titles_and_tell_nothing_alone() {
    let ordinary = [
        "the office is closed on Monday",
        "the wire is broken",
        "who was that woman? The Who?",
        "the national average is 12",
        "the clash between the two brothers",
        "few among us who remember",
        "my new balance is 40 euros",
        "nice to converse with you",
        "peach cobbler",
        "replace the toner",
        "delete your cookies",
        "first contact with the customer",
        "delicious irony",
        "he is learning to walk",
        "my manager",
        "coming out on friday",
        "see you after school",
        "after dinner",
        "the kids are alright",
        "my dad said so",
        "Happy birthday mum!",
        "Alles Gute zum Geburtstag",
        "Das Gericht war viel zu salzig und ich habe es nicht gegessen",
        "Du hast die Wahl, aber ich würde das nicht noch einmal tun",
        "je mange un avocat tous les jours avec du pain et des tomates",
        "elle a connu beaucoup d'échecs dans sa vie",
        "encendemos siempre una vela cuando se va la luz en casa",
        "ho mangiato una pesca che era molto buona",
    ];
    let told = ordinary.map(|it| (it, about(it)));
    let wrong: Vec<_> = told.into_iter().filter(|it| !it.1.is_empty()).collect();
    assert_eq!(wrong, []);
    assert_eq!(about("the soprano was ill"), ["opera"]);
    assert_eq!(about("secular bull market"), ["investing"]);
    assert_eq!(about("he paid the bill by credit card and left"), ["banking"]);
    for (text, topic) in [
        ("last night we watched The Office again", "television"),
        ("everybody here plays Among Us", "mobile-games"),
        ("my first pair of New Balance", "sneakers"),
        ("homework and school: the exams are near", "education"),
    ] {
        assert!(about(text).contains(&topic), "{text}: {:?}", about(text));
    }
}
