//! Networks that people may ask after and that accounts cannot be connected on, and why.
//!
//! As of November 2026. Names are those that imported signals use.

use std::time::Duration;

use crate::{
    Capabilities, Description, State, Terms,
    Whose::{self, Any, None as Nobody, Own},
};

/// Networks that are not built in, by their names.
pub(crate) static OTHERS: [Description; 19] = [
    Description {
        network: "bing",
        display_name: "Bing",
        state: State::Dead,
        capabilities: NOTHING,
        methods: &[],
        terms: Terms {
            summary: "Answers may not be looked into: they go to language models, which do not show them.",
            url: "https://learn.microsoft.com/en-us/lifecycle/announcements/bing-search-api-retirement",
            ..FREE
        },
        gives: "Nothing: how often somebody was searched for and found is told no more. Links to an article, on \
                wikipedia, stand in for it.",
        source: "Nobody: the search API ended in August 2025.",
    },
    Description {
        network: "blogger",
        display_name: "Blogger",
        state: State::NotBuilt,
        capabilities: may([Any, Nobody, Any, Any, Any, Nobody, Nobody, Own]),
        methods: &[],
        terms: Terms {
            summary: "Google's terms for its APIs. What people take with them as a file is theirs.",
            url: "https://developers.google.com/terms",
            ..FREE
        },
        gives: "Posts, how many comments each has, and who commented. Not who reads or follows.",
        source: "The Blogger API, with a key; or the blog's feed, as blogs.",
    },
    Description {
        network: "blogs",
        display_name: "Blogs: feeds, webmentions and WordPress of one's own",
        state: State::NotBuilt,
        capabilities: may([Any, Nobody, Any, Any, Any, Any, Nobody, Own]),
        methods: &[],
        terms: Terms {
            summary: "None but those of the site, its robots.txt and its caching headers.",
            url: "https://www.w3.org/TR/webmention/",
            ..FREE
        },
        gives: "Posts, who commented on them, and who liked, reposted, mentioned or answered them by webmention. Not who reads.",
        source: "The site itself: RSS, Atom, JSON Feed, and WordPress' own API; and whoever sends a webmention.",
    },
    Description {
        network: "facebook",
        display_name: "Facebook",
        state: State::Gated,
        capabilities: may([Own, Own, Own, Own, Own, Nobody, Nobody, Own]),
        methods: &[],
        terms: Terms {
            feeds_perks: false,
            forgets: true,
            summary: "Business verification and App Review. What the platform tells decides about nobody's eligibility, and \
                      is deleted when its owner asks.",
            url: "https://developers.facebook.com/terms/",
            ..FREE
        },
        gives: "Of a page: followers, posts, and how many reacted, commented and shared; in part who commented. Of a \
                profile: only what its owner downloads, without the reactions that they got.",
        source: "The Graph API with a page's token, after review; or the archive that people download.",
    },
    Description {
        network: "flickr",
        display_name: "Flickr",
        state: State::NotBuilt,
        capabilities: may([Any, Nobody, Any, Any, Any, Nobody, Nobody, Own]),
        methods: &[],
        terms: Terms {
            feeds_perks: false,
            summary: "Not for commercial use without permission.",
            url: "https://www.flickr.com/help/terms/api",
            ..FREE
        },
        gives: "Photos with views, who made each a favourite and when, and who commented. Not how many follow.",
        source: "The Flickr API, with a key.",
    },
    Description {
        network: "foursquare",
        display_name: "Foursquare and Swarm",
        state: State::NotBuilt,
        capabilities: may([Own, Own, Own, Own, Own, Nobody, Nobody, Own]),
        methods: &[],
        terms: Terms {
            forgets: true,
            summary: "With the account's own access alone, and not kept beyond what caching rules allow.",
            url: "https://docs.foursquare.com/developer/docs/usage-guidelines",
            ..FREE
        },
        gives: "Friends, check-ins and tips, and who liked them. City Guide has closed, and so have mayorships.",
        source: "What is left of the API's second version, with the account's token; or the archive that people download.",
    },
    Description {
        network: "google-plus",
        display_name: "Google+",
        state: State::Dead,
        capabilities: may([Nobody, Nobody, Nobody, Nobody, Nobody, Nobody, Nobody, Own]),
        methods: &[],
        terms: Terms {
            summary: "None any more; what people took with them is theirs.",
            url: "https://support.google.com/googlecurrents/answer/9195133",
            ..FREE
        },
        gives: "Nothing since April 2019. An old Takeout names whoever gave a +1, commented and shared, too long ago to count.",
        source: "Nobody.",
    },
    Description {
        network: "hackernews",
        display_name: "Hacker News",
        state: State::NotBuilt,
        capabilities: may([Any, Any, Any, Any, Any, Nobody, Nobody, Nobody]),
        methods: &[],
        terms: Terms {
            summary: "None are stated.",
            url: "https://github.com/HackerNews/API",
            ..FREE
        },
        gives: "Karma, stories with their points, and who commented. Never who voted.",
        source: "The public API, which everybody may ask.",
    },
    Description {
        network: "instagram",
        display_name: "Instagram",
        state: State::Gated,
        capabilities: may([Own, Own, Own, Own, Own, Own, Nobody, Own]),
        methods: &[],
        terms: Terms {
            feeds_perks: false,
            forgets: true,
            summary: "As Facebook's, and for professional accounts alone.",
            url: "https://developers.facebook.com/terms/",
            ..FREE
        },
        gives: "Of professional accounts: followers, and of each post how many liked and commented, and who commented. Never \
                who liked. Other accounts: only what their owners download.",
        source: "The Instagram API with the account's token, after review; or the archive that people download.",
    },
    Description {
        network: "lastfm",
        display_name: "Last.fm",
        state: State::NotBuilt,
        capabilities: may([Any, Any, Nobody, Nobody, Nobody, Nobody, Nobody, Nobody]),
        methods: &[],
        terms: Terms {
            feeds_perks: false,
            summary: "Not for commercial use without a contract; at most 100 MB are kept.",
            url: "https://www.last.fm/api/tos",
            ..FREE
        },
        gives: "How many somebody follows. What they listen to moves nobody, so it would count for next to nothing.",
        source: "The Last.fm API, with a key.",
    },
    Description {
        network: "linkedin",
        display_name: "LinkedIn",
        state: State::Gated,
        capabilities: may([Own, Own, Own, Own, Nobody, Nobody, Nobody, Own]),
        methods: &[],
        terms: Terms {
            feeds_perks: false,
            blends: false,
            forgets: true,
            summary: "Each field has its own time to be kept, and data of members is combined with no other.",
            url: "https://www.linkedin.com/legal/l/api-terms-of-use",
            ..FREE
        },
        gives: "How many saw, reacted to, commented on and shared one's posts, and how many follow. The archive has \
                connections, recommendations and endorsements, with who gave them and for what.",
        source: "The post analytics of members, after review; in the EEA and Switzerland the portability API; or the archive \
                 that people download.",
    },
    Description {
        network: "reddit",
        display_name: "Reddit",
        state: State::Gated,
        capabilities: may([Any, Any, Any, Any, Any, Nobody, Nobody, Own]),
        methods: &[],
        terms: Terms {
            feeds_perks: false,
            forgets: true,
            summary: "Nobody gets access by themselves since November 2025; commercial use is by contract, and what is deleted \
                      there is deleted here.",
            url: "https://redditinc.com/policies/data-api-terms",
            ..FREE
        },
        gives: "Karma, followers of a profile, posts with points that are blurred, and who commented. Never who voted.",
        source: "The Data API, with approval.",
    },
    Description {
        network: "stackexchange",
        display_name: "Stack Exchange",
        state: State::NotBuilt,
        capabilities: may([Any, Any, Any, Any, Any, Any, Nobody, Any]),
        methods: &[],
        terms: Terms {
            summary: "Texts are under CC BY-SA: who wrote them is named, with a link.",
            url: "https://stackoverflow.com/legal/api-terms-of-use",
            ..FREE
        },
        gives: "Reputation, posts with their points, who commented, answered and accepted. Never who voted. Its public dump \
                is read already: docs/import.md.",
        source: "The Stack Exchange API, with a key; or the dump.",
    },
    Description {
        network: "threads",
        display_name: "Threads",
        state: State::Gated,
        capabilities: may([Own, Own, Own, Own, Own, Own, Nobody, Nobody]),
        methods: &[],
        terms: Terms {
            feeds_perks: false,
            forgets: true,
            summary: "As Facebook's; posts are shown to nobody but who wrote them.",
            url: "https://developers.facebook.com/terms/",
            ..FREE
        },
        gives: "Followers, and of each post how many saw, liked, reposted and quoted it, and who answered. Never who liked. \
                What an account shares with the fediverse can be read as mastodon.",
        source: "The Threads API with the account's token, after review.",
    },
    Description {
        network: "tiktok",
        display_name: "TikTok",
        state: State::Gated,
        capabilities: may([Own, Own, Own, Own, Nobody, Nobody, Nobody, Own]),
        methods: &[],
        terms: Terms {
            forgets: true,
            summary: "The app is reviewed, for each thing that it asks for.",
            url: "https://www.tiktok.com/legal/page/global/tik-tok-developer-terms-of-service/en",
            ..FREE
        },
        gives: "Followers, likes in all, and of each video how many saw, liked, commented and shared it. Never who.",
        source: "The TikTok API with the account's token, after review.",
    },
    Description {
        network: "tumblr",
        display_name: "Tumblr",
        state: State::NotBuilt,
        capabilities: may([Any, Own, Any, Any, Any, Own, Nobody, Own]),
        methods: &[],
        terms: Terms {
            summary: "1,000 requests an hour and 5,000 a day for a key.",
            url: "https://www.tumblr.com/docs/en/api_agreement",
            ..FREE
        },
        gives: "Posts and all their notes: who liked, reblogged and answered, and when. Followers of one's own blog alone.",
        source: "The Tumblr API, with a key.",
    },
    Description {
        network: "twitter",
        display_name: "X (Twitter)",
        state: State::Paid,
        capabilities: may([Any, Any, Any, Any, Any, Any, Nobody, Own]),
        methods: &[],
        terms: Terms {
            feeds_perks: false,
            forgets: true,
            summary: "Each read costs. An account is joined with one elsewhere only by who agrees to it; what is deleted there \
                      is deleted here within 24 hours; nobody is rewarded for what they post.",
            url: "https://developer.x.com/en/developer-terms/agreement-and-policy",
            ..FREE
        },
        gives: "Followers, lists, mentions, and of each post how many liked, reposted, quoted and answered it; who reposted \
                and quoted. Who liked is told to nobody but the author, 100 at most.",
        source: "The X API, paid for by whoever's app asks; or the archive that people download, which names nobody who reacted.",
    },
    Description {
        network: "wordpress",
        display_name: "WordPress.com",
        state: State::NotBuilt,
        capabilities: may([Any, Any, Any, Any, Any, Nobody, Nobody, Nobody]),
        methods: &[],
        terms: Terms {
            summary: "Automattic's terms for developers: responsible use.",
            url: "https://wordpress.com/tos/",
            ..FREE
        },
        gives: "Subscribers, posts, and who liked and commented. WordPress of one's own is one of blogs.",
        source: "The public API of WordPress.com.",
    },
    Description {
        network: "youtube",
        display_name: "YouTube",
        state: State::Gated,
        capabilities: may([Any, Any, Any, Any, Any, Nobody, Nobody, Own]),
        methods: &[],
        terms: Terms {
            retention: Some(Duration::from_secs(30 * 24 * 3_600)),
            feeds_perks: false,
            blends: false,
            forgets: true,
            summary: "Whoever makes a number of its numbers is audited first, accepts an amendment, and shows it apart from \
                      those of others; the rest is refreshed or deleted within 30 days.",
            url: "https://developers.google.com/youtube/terms/developer-policies",
        },
        gives: "Subscribers, to three digits, and of each video how many saw, liked and commented; who commented. Never who liked.",
        source: "The YouTube Data API, with a key and after an audit.",
    },
];

/// Nothing can be asked.
const NOTHING: Capabilities = may([Nobody; 8]);

/// Of whom something can be asked, in the order of the fields.
const fn may(whose: [Whose; 8]) -> Capabilities {
    let [resolve, audience, posts, reaction_counts, reactors, mentions, stream, archive] = whose;
    Capabilities { resolve, audience, posts, reaction_counts, reactors, mentions, stream, archive }
}

/// Terms that bind nobody.
const FREE: Terms = Terms {
    retention: None,
    feeds_perks: true,
    blends: true,
    forgets: false,
    summary: "",
    url: "",
};
