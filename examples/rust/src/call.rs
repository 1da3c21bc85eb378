// SPDX-License-Identifier: MIT
//! How calls are made: statuses become results, texts become pointer and length, handles are owned.

use std::ffi::{c_char, CStr, CString};
use std::fmt;

use crate::sys;

/// A failed call: the `LINNET_ERROR_*` status and a text which names what is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    pub status: i32,
    pub text: String,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for Error {}

pub type Result<T> = std::result::Result<T, Error>;

/// Makes a call that takes a `linnet_error` and turns its status into a Result.
pub(crate) fn call(f: impl FnOnce(*mut sys::linnet_error) -> i32) -> Result<()> {
    let mut error = sys::linnet_error::new();
    match f(&mut error) {
        sys::LINNET_OK => Ok(()),
        status => {
            // Terminated by the library; all zero if it wrote nothing.
            let text = unsafe { CStr::from_ptr(error.text.as_ptr()) };
            Err(Error { status, text: text.to_string_lossy().into_owned() })
        }
    }
}

/// A call that gives the size it needs first, and then fills a buffer of that size; of both it has as much as it wants
/// to use. `spare` is what it needs beyond the size.
pub(crate) fn fill<T: Clone + Default>(
    spare: usize,
    mut f: impl FnMut(*mut T, usize, *mut usize, *mut sys::linnet_error) -> i32,
) -> Result<Vec<T>> {
    let mut buffer = Vec::new();
    loop {
        let mut size = 0;
        let given = call(|error| f(buffer.as_mut_ptr(), buffer.len(), &mut size, error));
        match given {
            Err(error) if error.status == sys::LINNET_ERROR_BUFFER_TOO_SMALL => {
                buffer.resize(size + spare, T::default());
            }
            Err(error) => return Err(error),
            Ok(()) => {
                buffer.truncate(size);
                return Ok(buffer);
            }
        }
    }
}

pub(crate) fn text_from(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|bad| String::from_utf8_lossy(bad.as_bytes()).into_owned())
}

/// A copy of what the library shows until its next call.
///
/// # Safety
/// `data` has `size` bytes.
pub(crate) unsafe fn text_at(data: *const c_char, size: usize) -> String {
    if size == 0 {
        return String::new();
    }
    String::from_utf8_lossy(std::slice::from_raw_parts(data.cast::<u8>(), size)).into_owned()
}

pub(crate) fn data(text: &str) -> *const c_char {
    text.as_ptr().cast()
}

/// Pointer and length; none is a null pointer.
pub(crate) fn optional(text: Option<&str>) -> (*const c_char, usize) {
    text.map_or((std::ptr::null(), 0), |text| (data(text), text.len()))
}

/// Valid as long as the texts.
pub(crate) fn texts<T: AsRef<str>>(list: &[T]) -> Vec<sys::linnet_text> {
    list.iter().map(|text| sys::linnet_text { data: data(text.as_ref()), size: text.as_ref().len() }).collect()
}

pub(crate) fn c_string(text: &str) -> Result<CString> {
    CString::new(text).map_err(|_| Error {
        status: sys::LINNET_ERROR_INVALID_ARGUMENT,
        text: format!("{text:?} contains a NUL byte"),
    })
}

/// Makes an owning type of a handle and its destroy function.
macro_rules! handle {
    ($name:ident, $raw:ident, $destroy:ident) => {
        impl $name {
            fn adopt(raw: *mut crate::sys::$raw) -> Self {
                $name { raw: std::ptr::NonNull::new(raw).expect("a successful call gives a handle") }
            }
        }
        impl Drop for $name {
            fn drop(&mut self) {
                unsafe { crate::sys::$destroy(self.raw.as_ptr()) }
            }
        }
    };
}
pub(crate) use handle;
