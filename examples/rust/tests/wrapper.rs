// SPDX-License-Identifier: MIT
//! The wrapper against the small model that comes with Linnet. What is expected follows from other calls or from
//! arithmetic, never from a text that the model once wrote.

use linnet::*;

const MODEL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../models/tiny-tales-6m-Q8_0.gguf");
const CHAT: &str = r#"{"messages": [{"role": "user", "content": "Tell me a story."}]}"#;
const TOOLS: &str = r#"[{"type": "function", "function": {"name": "look", "parameters": {
    "properties": {"where": {"enum": ["left", "right"]}}, "required": ["where"], "additionalProperties": false}}}]"#;

fn model() -> Model {
    // The engine's handle goes at once: the model keeps the engine alive.
    let engine = Engine::new(&EngineOptions { n_threads: 1, ..Default::default() }).unwrap();
    Model::load(&engine, MODEL).unwrap()
}

fn sampler(model: &Model, seed: u64) -> Sampler {
    Sampler::new(model, &SamplerOptions { temperature: 1.5, seed, ..Default::default() }).unwrap()
}

fn generate(session: &mut Session, max_tokens: u32) -> String {
    session.stream(max_tokens).map(Result::unwrap).collect()
}

/// Steps until the end.
fn reason(session: &mut Session) -> DoneReason {
    loop {
        let event = session.step(0).unwrap();
        if event.kind == EventKind::Done {
            return event.reason.unwrap();
        }
    }
}

#[test]
fn conversations_reuse_what_is_there_and_are_rendered() {
    let model = model();
    let mut session = Session::new(&model, 0).unwrap();
    assert_eq!(session.append_chat(CHAT, None).unwrap(), 0);
    let tokens = session.tokens().unwrap();
    assert_eq!(model.render_chat(CHAT, None).unwrap(), model.detokenize(&tokens).unwrap());
    assert_eq!(session.append_chat(CHAT, None).unwrap(), tokens.len());
    assert_eq!(model.render_chat(CHAT, Some("<{{ messages[0].content }}>")).unwrap(), "<Tell me a story.>");
    let error = session.append_chat(r#"{"messages": 1}"#, None).unwrap_err();
    assert_eq!(error.status, sys::LINNET_ERROR_INVALID_ARGUMENT);
    assert!(error.text.contains("/messages"), "{error}");
    assert_eq!(session.tokens().unwrap(), tokens);
}

#[test]
fn replies_are_read_into_text_reasoning_and_calls() {
    let model = model();
    let mut session = Session::new(&model, 0).unwrap();
    session.append_chat(CHAT, Some("{{ messages[0].content }}<think>\n")).unwrap();
    let options = ReplyOptions { format: Some("hermes"), session: Some(&session), ..Default::default() };
    let mut reply = Reply::new(&model, &options).unwrap();
    drop((session, model));
    let mut events = reply.feed("so</think>\n\nHi <tool_call>\n{\"name\": \"f\", \"argu").unwrap();
    events.extend(reply.feed("ments\": {\"a\": 1}}\n</tool_call>").unwrap());
    events.extend(reply.finish().unwrap());
    let call = ReplyEvent::ToolCall { index: 0, name: "f".into(), id: None, arguments: "{\"a\": 1}".into() };
    assert_eq!(events, [ReplyEvent::Reasoning("so".into()), ReplyEvent::Text("Hi".into()), call]);
    assert!(reply.feed("more").is_err());
}

#[test]
fn tokens_make_the_same_reply_as_their_text() {
    let model = model();
    let mut reply = Reply::new(&model, &ReplyOptions::default()).unwrap();
    let text = "Once upon a time";
    let mut events = Vec::new();
    for token in model.tokenize(text).unwrap().into_iter().skip(1) {
        // without BOS, which a reply does not have
        events.extend(reply.feed_token(token).unwrap());
    }
    events.extend(reply.finish().unwrap());
    let parts: String = events
        .iter()
        .map(|event| match event {
            ReplyEvent::Text(text) => text.as_str(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(parts.trim_start(), text);
    let unknown = ReplyOptions { format: Some("nonsense"), ..Default::default() };
    assert_eq!(Reply::new(&model, &unknown).err().unwrap().status, sys::LINNET_ERROR_NOT_FOUND);
}

#[test]
fn grammars_bind_what_is_generated() {
    let model = model();
    let mut session = Session::new(&model, 0).unwrap();
    session.set_sampler(sampler(&model, 1)).unwrap();
    session.append("Once").unwrap();
    for (kind, text, allowed) in [
        (GrammarKind::Choices, r#"["left", "right"]"#, &["left", "right"][..]),
        (GrammarKind::Regex, "a{3}|b", &["aaa", "b"]),
        (GrammarKind::Gbnf, r#"root ::= "x" [yz]"#, &["xy", "xz"]),
        (GrammarKind::JsonSchemaCompact, r#"{"enum": [[1, true], {"a": null}]}"#, &["[1,true]", r#"{"a":null}"#]),
    ] {
        let grammar = Grammar::new(&model, kind, text).unwrap();
        session.set_grammar(Some(&grammar)).unwrap();
        drop(grammar); // the session keeps it
        let length = session.tokens().unwrap().len();
        let written = generate(&mut session, 0);
        assert!(allowed.contains(&written.as_str()), "{kind:?}: {written}");
        session.truncate(length).unwrap();
        assert_eq!(reason(&mut session), DoneReason::Grammar);
        session.truncate(length).unwrap();
    }
    session.set_grammar(None).unwrap();
    assert!(!generate(&mut session, 4).is_empty());
    let error = Grammar::new(&model, GrammarKind::Regex, "(").err().unwrap();
    assert_eq!(error.status, sys::LINNET_ERROR_INVALID_ARGUMENT);
}

#[test]
fn tools_are_called_when_they_have_to_be() {
    let model = model();
    let options = ToolOptions { format: Some("hermes".into()), ..Default::default() };
    let grammar = Grammar::of_tools(&model, TOOLS, &options).unwrap();
    let mut session = Session::new(&model, 0).unwrap();
    session.append_chat(CHAT, None).unwrap();
    session.append(&grammar.opening().unwrap()).unwrap();
    session.set_sampler(sampler(&model, 2)).unwrap();
    session.set_grammar(Some(&grammar)).unwrap();
    let mut reply = Reply::new(&model, &ReplyOptions { format: Some("hermes"), ..Default::default() }).unwrap();
    let mut events = reply.feed(&grammar.opening().unwrap()).unwrap();
    events.extend(reply.feed(&generate(&mut session, 200)).unwrap());
    events.extend(reply.finish().unwrap());
    match &events[..] {
        [ReplyEvent::ToolCall { name, arguments, .. }] => {
            assert_eq!(name, "look");
            assert!([r#"{"where": "left"}"#, r#"{"where": "right"}"#].contains(&arguments.as_str()), "{arguments}");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn stops_end_a_generation() {
    let model = model();
    let mut session = Session::new(&model, 0).unwrap();
    session.append("Once upon a time").unwrap();
    let length = session.tokens().unwrap().len();
    let text = generate(&mut session, 40);
    let words: Vec<&str> = text.split_whitespace().collect();
    let stop = words[words.len() / 2];
    session.truncate(length).unwrap();
    session.set_stops(&[stop], &[]).unwrap();
    let shown = generate(&mut session, 40);
    assert_eq!(shown, text[..text.find(stop).unwrap()]);
    session.truncate(length).unwrap();
    assert_eq!(reason(&mut session), DoneReason::Stop);
}

#[test]
fn log_probabilities_and_scores_agree() {
    let model = model();
    let mut session = Session::new(&model, 0).unwrap();
    session.append("Once upon a time").unwrap();
    while session.step(0).unwrap().kind != EventKind::Token {}
    let given = session.logprobs(3).unwrap();
    let chosen = given.chosen.unwrap();
    assert_eq!(given.top[0], chosen); // greedy
    assert!(given.top[0].logprob >= given.top[1].logprob && given.top[1].logprob >= given.top[2].logprob);

    let n_tokens = session.tokens().unwrap().len();
    session.truncate(n_tokens - 1).unwrap();
    let words: Vec<String> = given.top.iter().map(|each| model.detokenize(&[each.token]).unwrap()).collect();
    let scores = session.score(&words).unwrap();
    for (score, each) in scores.iter().zip(&given.top) {
        assert_eq!(score.n_tokens, 1);
        assert!((score.logprob - f64::from(each.logprob)).abs() < 1e-4, "{score:?} {each:?}");
    }
    assert_eq!(session.tokens().unwrap().len(), n_tokens - 1);
    assert!(session.score::<&str>(&[]).unwrap().is_empty());
}

#[test]
fn gaps_need_a_model_that_fills_them() {
    let model = model();
    let mut session = Session::new(&model, 0).unwrap();
    let error = session.append_fim("Once upon", "time").unwrap_err();
    assert_eq!(error.status, sys::LINNET_ERROR_UNSUPPORTED);
    assert!(session.tokens().unwrap().is_empty());
}

#[test]
fn vectors_have_length_one_and_do_not_depend_on_neighbours() {
    let model = model();
    let options = EmbedOptions { pooling: Pooling::Mean, ..Default::default() };
    let vectors = model.embed(&["a fox", "a very different text"], &options).unwrap();
    assert_eq!(vectors.len(), 2);
    for vector in &vectors {
        let square: f32 = vector.iter().map(|x| x * x).sum();
        assert!((square - 1.0).abs() < 1e-4, "{square}");
    }
    assert_eq!(vectors[0], model.embed(&["a fox"], &options).unwrap()[0]);
    assert_ne!(vectors[0], vectors[1]);
    assert!(model.embed::<&str>(&[], &options).unwrap().is_empty());
    let short = EmbedOptions { n_ctx: 2, ..options };
    assert_eq!(model.embed(&["a very long text"], &short).unwrap_err().status, sys::LINNET_ERROR_CONTEXT_FULL);
}

#[test]
fn sampler_options_reach_the_library() {
    let model = model();
    let mut session = Session::new(&model, 0).unwrap();
    let mut story = |options: SamplerOptions| {
        session.truncate(0).unwrap();
        session.append("Once upon a time").unwrap();
        session.set_sampler(Sampler::new(&model, &options)?)?;
        Ok::<_, Error>(generate(&mut session, 40))
    };
    let greedy = story(SamplerOptions::default()).unwrap();
    let word = greedy.split_whitespace().next().unwrap().to_string();
    let banned = SamplerOptions { banned: vec![word.clone()], ..Default::default() };
    assert!(!story(banned).unwrap().contains(&word));
    // top_k = 1 first leaves nothing to choose; switched off by an order without it, it leaves everything.
    let narrow = SamplerOptions { temperature: 5.0, top_k: 1, seed: 4, ..Default::default() };
    assert_eq!(story(narrow.clone()).unwrap(), greedy);
    let wide = SamplerOptions { stages: vec![Stage::Temperature], ..narrow };
    assert_ne!(story(wide).unwrap(), greedy);
    let first = model.tokenize(&word).unwrap();
    let biased = SamplerOptions { biases: vec![(first[first.len() - 1], 1e6)], ..Default::default() };
    assert_ne!(story(biased).unwrap(), greedy);
    let twice = SamplerOptions { stages: vec![Stage::TopK, Stage::TopK], ..Default::default() };
    assert_eq!(story(twice).unwrap_err().status, sys::LINNET_ERROR_INVALID_ARGUMENT);
    // The last fields of the struct: were one misplaced, these would be refused or not be seen.
    let dry =
        SamplerOptions { dry_multiplier: 100.0, dry_allowed_length: 1, dry_breakers: vec![], ..Default::default() };
    assert_ne!(story(dry).unwrap(), greedy);
}

#[test]
fn cancelling_ends_a_step_and_the_next_goes_on() {
    let model = model();
    let mut session = Session::new(&model, 0).unwrap();
    session.append("Once upon a time").unwrap();
    let canceller = session.canceller();
    std::thread::spawn(move || canceller.cancel()).join().unwrap();
    assert_eq!(session.step(0).unwrap_err().status, sys::LINNET_ERROR_CANCELLED);
    assert!(!generate(&mut session, 8).is_empty());
}
