//! What a file defines, takes in and names.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::{TokenStream, TokenTree};
use syn::visit::{self, Visit};

/// A module's path; the first word is `crate`.
pub(super) type Module = Vec<String>;

/// What one file says, tests left out.
#[derive(Default)]
pub(super) struct File {
    /// Names of what is defined in it.
    pub(super) defines: BTreeSet<String>,
    /// Where each name that it takes in comes from.
    pub(super) takes: BTreeMap<String, Module>,
    /// What it takes in whole.
    pub(super) whole: Vec<Module>,
    /// All that it names; what it only hands on is no need of its own.
    pub(super) names: BTreeSet<Module>,
}

impl File {
    pub(super) fn read(&mut self, module: &Module, text: &str) {
        let parsed = syn::parse_file(text).expect("Rust");
        Reader { file: self, at: module.clone(), hands_on: false }.visit_file(&parsed);
    }
}

struct Reader<'a> {
    file: &'a mut File,
    at: Module,
    hands_on: bool,
}

fn is_test(attributes: &[syn::Attribute]) -> bool {
    let tests = |list: &syn::MetaList| list.path.is_ident("cfg") && list.tokens.to_string() == "test";
    attributes.iter().any(|attribute| attribute.meta.require_list().is_ok_and(tests))
}

impl Reader<'_> {
    fn absolute(&self, path: &[String]) -> Module {
        let up = path.iter().take_while(|word| *word == "super").count();
        match path.first().map(String::as_str) {
            Some("crate") => path.to_vec(),
            Some("super") => [&self.at[..self.at.len().saturating_sub(up)], &path[up..]].concat(),
            Some("self") => [&self.at, &path[1..]].concat(),
            _ => [&self.at, path].concat(),
        }
    }

    fn takes(&mut self, name: &syn::Ident, path: &[String]) {
        let path = self.absolute(path);
        self.file.takes.insert(name.to_string(), path.clone());
        self.names(path);
    }

    fn names(&mut self, path: Module) {
        if !self.hands_on {
            self.file.names.insert(path);
        }
    }

    fn tree(&mut self, tree: &syn::UseTree, before: &[String]) {
        let with = |word: &syn::Ident| [before, &[word.to_string()]].concat();
        match tree {
            syn::UseTree::Path(path) => self.tree(&path.tree, &with(&path.ident)),
            syn::UseTree::Name(name) if name.ident == "self" => {
                let Some(last) = before.last() else { return };
                self.takes(&syn::Ident::new(last, name.ident.span()), before);
            }
            syn::UseTree::Name(name) => self.takes(&name.ident, &with(&name.ident)),
            syn::UseTree::Rename(renamed) => self.takes(&renamed.rename, &with(&renamed.ident)),
            syn::UseTree::Glob(_) => {
                let path = self.absolute(before);
                self.file.whole.push(path.clone());
                self.names(path);
            }
            syn::UseTree::Group(group) => group.items.iter().for_each(|tree| self.tree(tree, before)),
        }
    }

    /// Paths in what a macro is given.
    fn tokens(&mut self, tokens: TokenStream) {
        let mut path: Vec<String> = Vec::new();
        let mut colons = 0;
        for token in tokens {
            match token {
                TokenTree::Ident(word) => {
                    if colons != 2 {
                        self.path(&std::mem::take(&mut path));
                    }
                    path.push(word.to_string());
                    colons = 0;
                }
                TokenTree::Punct(mark) if mark.as_char() == ':' => colons += 1,
                TokenTree::Group(group) => {
                    self.tokens(group.stream());
                    self.path(&std::mem::take(&mut path));
                }
                TokenTree::Punct(_) | TokenTree::Literal(_) => self.path(&std::mem::take(&mut path)),
            }
        }
        self.path(&path);
    }

    fn path(&mut self, words: &[String]) {
        if words.len() > 1 {
            self.names(self.absolute(words));
        }
    }
}

impl<'ast> Visit<'ast> for Reader<'_> {
    fn visit_item(&mut self, item: &'ast syn::Item) {
        use syn::Item;
        let (attributes, name) = match item {
            Item::Const(of) => (&of.attrs, Some(&of.ident)),
            Item::Enum(of) => (&of.attrs, Some(&of.ident)),
            Item::Fn(of) => (&of.attrs, Some(&of.sig.ident)),
            Item::Macro(of) => (&of.attrs, of.ident.as_ref()),
            Item::Static(of) => (&of.attrs, Some(&of.ident)),
            Item::Struct(of) => (&of.attrs, Some(&of.ident)),
            Item::Trait(of) => (&of.attrs, Some(&of.ident)),
            Item::Type(of) => (&of.attrs, Some(&of.ident)),
            Item::Impl(of) => (&of.attrs, None),
            Item::Mod(of) => (&of.attrs, None),
            Item::Use(of) => (&of.attrs, None),
            _ => return visit::visit_item(self, item),
        };
        if is_test(attributes) {
            return;
        }
        self.file.defines.extend(name.map(ToString::to_string));
        match item {
            Item::Use(of) => {
                self.hands_on = !matches!(of.vis, syn::Visibility::Inherited);
                self.tree(&of.tree, &[]);
                self.hands_on = false;
            }
            Item::Mod(of) => {
                self.at.push(of.ident.to_string());
                of.content.iter().flat_map(|(_, items)| items).for_each(|item| self.visit_item(item));
                self.at.pop();
            }
            _ => visit::visit_item(self, item),
        }
    }

    fn visit_visibility(&mut self, _: &'ast syn::Visibility) {}

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let words: Vec<String> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        self.path(&words);
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, of: &'ast syn::Macro) {
        self.tokens(of.tokens.clone());
        visit::visit_macro(self, of);
    }
}
