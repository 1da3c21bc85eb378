// SPDX-License-Identifier: MIT
//! Streams a story.   story [MODEL [PROMPT]]

use std::io::Write;

fn story(path: &str, prompt: &str) -> Result<usize, linnet::Error> {
    let engine = linnet::Engine::new(&linnet::EngineOptions::default())?;
    let model = linnet::Model::load(&engine, path)?;
    eprintln!("linnet {}: {}", linnet::version(), model.metadata("general.architecture")?);
    let sampling = linnet::SamplerOptions { temperature: 0.7, top_p: 0.9, seed: 1, ..Default::default() };
    let mut session = linnet::Session::new(&model, 512)?;
    session.set_sampler(linnet::Sampler::new(&model, &sampling)?)?;
    session.append(prompt)?;
    print!("{prompt}");
    let mut n_bytes = 0;
    for text in session.stream(128) {
        let text = text?;
        n_bytes += text.len();
        print!("{text}");
        let _ = std::io::stdout().flush();
    }
    println!();
    Ok(n_bytes)
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().unwrap_or_else(|| "models/tiny-tales-6m-Q8_0.gguf".into());
    let prompt = arguments.next().unwrap_or_else(|| "Once upon a time".into());
    match story(&path, &prompt) {
        Ok(0) => std::process::exit(2), // no text came
        Ok(_) => {}
        Err(error) => {
            eprintln!("{path}: {error}");
            std::process::exit(1);
        }
    }
}
