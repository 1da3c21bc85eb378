// SPDX-License-Identifier: MIT
//! Where liblinnet is: LINNET_LIB_DIR, else where the linker looks by itself.

fn main() {
    println!("cargo:rerun-if-env-changed=LINNET_LIB_DIR");
    println!("cargo:rustc-link-lib=dylib=linnet");
    if let Ok(dir) = std::env::var("LINNET_LIB_DIR") {
        println!("cargo:rustc-link-search=native={dir}");
        println!("cargo:rustc-link-arg=-Wl,-rpath,{dir}");
    }
}
