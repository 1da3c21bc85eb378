// SPDX-License-Identifier: MIT
//! Structure: what may be generated, and what a reply says.

use std::ptr::{null, null_mut, NonNull};

use crate::call::{call, data, fill, handle, optional, text_at, text_from, Result};
use crate::model::Model;
use crate::session::Session;
use crate::sys;

/// What the text of a [`Grammar`] is, by its `LINNET_GRAMMAR_*`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GrammarKind {
    JsonSchema = 1,
    /// A JSON schema; no white space between the document's tokens.
    JsonSchemaCompact,
    Gbnf,
    Regex,
    /// A JSON array of strings.
    Choices,
}

#[derive(Debug, Clone, Default)]
pub struct ToolOptions {
    /// One call or more, in formats that have several.
    pub several: bool,
    pub format: Option<String>,
    pub chat_template: Option<String>,
}

/// What text may be generated, for any number of the model's sessions.
pub struct Grammar {
    raw: NonNull<sys::linnet_grammar>,
}
handle!(Grammar, linnet_grammar, linnet_grammar_destroy);
// linnet.h: immutable, any thread.
unsafe impl Send for Grammar {}
unsafe impl Sync for Grammar {}

impl Grammar {
    pub fn new(model: &Model, kind: GrammarKind, text: &str) -> Result<Grammar> {
        let mut raw = null_mut();
        call(|error| unsafe {
            sys::linnet_grammar_create(model.raw(), kind as i32, data(text), text.len(), &mut raw, error)
        })?;
        Ok(Grammar::adopt(raw))
    }

    /// A call of one of the tools (JSON, as in a conversation), as the model writes it.
    pub fn of_tools(model: &Model, tools: &str, options: &ToolOptions) -> Result<Grammar> {
        let (format, format_size) = optional(options.format.as_deref());
        let (chat_template, chat_template_size) = optional(options.chat_template.as_deref());
        let given = sys::linnet_tool_options {
            flags: if options.several { sys::LINNET_TOOLS_SEVERAL } else { 0 },
            format,
            format_size,
            chat_template,
            chat_template_size,
            ..sys::linnet_tool_options::new()
        };
        let mut raw = null_mut();
        call(|error| unsafe {
            sys::linnet_grammar_create_tools(model.raw(), data(tools), tools.len(), &given, &mut raw, error)
        })?;
        Ok(Grammar::adopt(raw))
    }

    /// What the host appends, and feeds to the [`Reply`], before a grammar of tools is set.
    pub fn opening(&self) -> Result<String> {
        let text = fill(0, |buffer: *mut u8, capacity, size, error| unsafe {
            sys::linnet_grammar_get_opening(self.raw(), buffer.cast(), capacity, size, error)
        })?;
        Ok(text_from(text))
    }

    pub(crate) fn raw(&self) -> *mut sys::linnet_grammar {
        self.raw.as_ptr()
    }
}

#[derive(Default)]
pub struct ReplyOptions<'a> {
    /// Name of the format of replies; none: that of the chat template.
    pub format: Option<&'a str>,
    /// What the conversation was rendered with; none: the model's.
    pub chat_template: Option<&'a str>,
    /// JSON, as in the conversation.
    pub tools: Option<&'a str>,
    /// The session that is about to reply, whose sequence shows whether the reasoning has begun. Not kept.
    pub session: Option<&'a Session>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReplyEvent {
    Text(String),
    Reasoning(String),
    /// arguments: a JSON object.
    ToolCall { index: u32, name: String, id: Option<String>, arguments: String },
    /// What looked like a tool call is none, and was given as text.
    Warning(String),
}

/// Reads what a model writes, while it writes it. Each piece gives the events that it makes certain.
pub struct Reply {
    raw: NonNull<sys::linnet_reply>,
}
handle!(Reply, linnet_reply, linnet_reply_destroy);
unsafe impl Send for Reply {}

impl Reply {
    pub fn new(model: &Model, options: &ReplyOptions) -> Result<Reply> {
        let (format, format_size) = optional(options.format);
        let (chat_template, chat_template_size) = optional(options.chat_template);
        let (tools, tools_size) = optional(options.tools);
        let given = sys::linnet_reply_options {
            format,
            format_size,
            chat_template,
            chat_template_size,
            tools,
            tools_size,
            session: options.session.map_or(null(), Session::shared),
            ..sys::linnet_reply_options::new()
        };
        let mut raw = null_mut();
        call(|error| unsafe { sys::linnet_reply_create(model.raw(), &given, &mut raw, error) })?;
        Ok(Reply::adopt(raw))
    }

    pub fn feed(&mut self, text: &str) -> Result<Vec<ReplyEvent>> {
        call(|error| unsafe { sys::linnet_reply_feed(self.raw.as_ptr(), data(text), text.len(), error) })?;
        self.events()
    }

    /// Better than text where there are tokens: control tokens have none.
    pub fn feed_token(&mut self, token: i32) -> Result<Vec<ReplyEvent>> {
        call(|error| unsafe { sys::linnet_reply_feed_token(self.raw.as_ptr(), token, error) })?;
        self.events()
    }

    /// The reply is complete; nothing can be fed any more.
    pub fn finish(&mut self) -> Result<Vec<ReplyEvent>> {
        call(|error| unsafe { sys::linnet_reply_finish(self.raw.as_ptr(), error) })?;
        self.events()
    }

    fn events(&mut self) -> Result<Vec<ReplyEvent>> {
        let mut events = Vec::new();
        loop {
            let mut event = sys::linnet_reply_event::new();
            call(|error| unsafe { sys::linnet_reply_next(self.raw.as_ptr(), &mut event, error) })?;
            // Valid until the reply's next call.
            let text = unsafe { text_at(event.text, event.text_size) };
            events.push(match event.kind {
                sys::LINNET_REPLY_TEXT => ReplyEvent::Text(text),
                sys::LINNET_REPLY_REASONING => ReplyEvent::Reasoning(text),
                sys::LINNET_REPLY_TOOL_CALL => ReplyEvent::ToolCall {
                    index: event.index,
                    name: unsafe { text_at(event.name, event.name_size) },
                    id: (event.id_size > 0).then(|| unsafe { text_at(event.id, event.id_size) }),
                    arguments: text,
                },
                sys::LINNET_REPLY_WARNING => ReplyEvent::Warning(text),
                _ => return Ok(events),
            });
        }
    }
}
