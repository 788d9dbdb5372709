//! The language itself: its parser, its functions, and regular expressions that are compiled with
//! the expression and not whenever it is judged.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, LazyLock};

use cel::common::ast::{CallExpr, Expr, LiteralValue, SourceInfo};
use cel::common::types::{CelBool, CelString, Kind, STRING_TYPE, Type};
use cel::common::value::{CowVal, StaticVal, Val};
use cel::parser::PrattParser;
use cel::{Context, Env, ExecutionError, IdedExpr, ParseErrors};
use regex::{Regex, RegexBuilder};

use super::fault::Fault;

/// A regular expression of `matches`.
#[derive(Clone, Debug)]
pub(super) struct Pattern {
    name: String,
    regex: Regex,
}

/// Reads an expression.
pub(super) fn parse(source: &str) -> Result<IdedExpr, Vec<Fault>> {
    if source.len() > MOST_BYTES {
        return Err(vec![Fault::whole(format!("is longer than {MOST_BYTES} bytes"))]);
    }
    match parsed(source) {
        Some(Ok(tree)) => Ok(tree),
        Some(Err(errors)) => Err(faults(source, &errors)),
        None => Err(vec![Fault::whole("can't be read")]),
    }
}

/// Where a node of an expression begins. The parser tells the places of nodes only with an error,
/// so it is given one behind the end.
pub(super) fn place_of(source: &str, node: u64) -> Option<usize> {
    let errors = parsed(&format!("{source}\n)"))?.err()?;
    let places: Arc<SourceInfo> = errors.errors.into_iter().find_map(|error| error.source_info)?;
    let (start, _) = places.offset_for(node)?;
    usize::try_from(start).ok()
}

/// The functions of the language; made once, and the same for all.
pub(super) fn standard() -> Arc<Env> {
    static STANDARD: LazyLock<Arc<Env>> = LazyLock::new(|| {
        let mut env = Env::stdlib();
        // Neither can fail: nothing else is called so.
        let member =
            env.add_member_overload(MATCHES, "text_matches", STRING_TYPE, vec![PATTERN], matches);
        let function =
            env.add_overload(MATCHES, "matches_text", vec![STRING_TYPE, PATTERN], matches);
        debug_assert!(member.is_ok() && function.is_ok());
        Arc::new(env)
    });
    Arc::clone(&STANDARD)
}

/// The text of a call's regular expression, where it is written out.
pub(super) fn literal_pattern(call: &CallExpr) -> Option<&str> {
    match &call.args.last()?.expr {
        Expr::Literal(LiteralValue::String(text)) => Some(text.inner()),
        _ => None,
    }
}

/// Compiles a regular expression; the error says what is wrong.
pub(super) fn compile_pattern(text: &str) -> Result<Regex, String> {
    let regex = RegexBuilder::new(text).size_limit(REGEX_SIZE).dfa_size_limit(REGEX_SIZE).build();
    regex.map_err(|error| match error {
        regex::Error::CompiledTooBig(_) => String::from("the regular expression is too large"),
        other => other.to_string().lines().last().unwrap_or_default().trim().to_owned(),
    })
}

/// Puts a variable that holds the compiled one in the place of every regular expression. All of
/// them have been compiled before.
pub(super) fn take_patterns(tree: &mut IdedExpr) -> Vec<Pattern> {
    let mut patterns = Vec::new();
    take(tree, &mut patterns);
    patterns
}

pub(super) fn bind_patterns(context: &mut Context<'_, '_>, patterns: &[Pattern]) {
    for pattern in patterns {
        context.add_variable_as_val(pattern.name.as_str(), Box::new(pattern.clone()));
    }
}

impl Pattern {
    /// C-48: what is unanchored fits much that was not meant.
    pub(super) fn warning(&self) -> Option<String> {
        let text = self.regex.as_str();
        let anchored = text.starts_with('^') && text.ends_with('$');
        (!anchored).then(|| {
            format!(
                "matches({text:?}) also holds where it fits a part; write \"^…$\" for the whole"
            )
        })
    }
}

fn parsed(source: &str) -> Option<Result<IdedExpr, ParseErrors>> {
    // Claims may be called by an address: me.`https://example.com/roles`.
    let parser = PrattParser::new().max_recursion_depth(MOST_DEEP).enable_ident_escape_syntax(true);
    // An operator's text must never end the process, whatever the parser makes of it.
    catch_unwind(AssertUnwindSafe(|| parser.parse(source))).ok()
}

fn faults(source: &str, errors: &ParseErrors) -> Vec<Fault> {
    let fault = |error: &cel::ParseError| {
        let message = error.msg.lines().next().unwrap_or_default();
        let message = message.strip_prefix("Syntax error: ").unwrap_or(message);
        let place = |number: isize| usize::try_from(number).unwrap_or(1).max(1);
        let (line, column) = (place(error.pos.0), place(error.pos.1));
        // Its columns count bytes.
        let text = source.split('\n').nth(line - 1).unwrap_or_default();
        let before = text.get(..column - 1).unwrap_or(text);
        Fault { line, column: before.chars().count() + 1, message: message.to_owned() }
    };
    errors.errors.iter().take(MOST_FAULTS).map(fault).collect()
}

fn take(expr: &mut IdedExpr, patterns: &mut Vec<Pattern>) {
    match &mut expr.expr {
        Expr::Call(call) => {
            if call.func_name == MATCHES
                && let Some(regex) = literal_pattern(call).map(compile_pattern)
                && let (Ok(regex), Some(last)) = (regex, call.args.last_mut())
            {
                let name = format!("@pattern{}", patterns.len());
                last.expr = Expr::Ident(name.clone());
                patterns.push(Pattern { name, regex });
            }
            call.target.iter_mut().for_each(|target| take(target, patterns));
            call.args.iter_mut().for_each(|arg| take(arg, patterns));
        }
        Expr::Comprehension(comprehension) => {
            take(&mut comprehension.iter_range, patterns);
            take(&mut comprehension.loop_step, patterns);
        }
        Expr::List(list) => list.elements.iter_mut().for_each(|element| take(element, patterns)),
        Expr::Map(map) => {
            for entry in &mut map.entries {
                if let cel::common::ast::EntryExpr::MapEntry(entry) = &mut entry.expr {
                    take(&mut entry.key, patterns);
                    take(&mut entry.value, patterns);
                }
            }
        }
        Expr::Select(select) => take(&mut select.operand, patterns),
        Expr::Ident(_) | Expr::Literal(_) | Expr::Struct(_) | Expr::Unspecified => {}
    }
}

fn matches<'b, 'v>(args: Vec<CowVal<'b, 'v>>) -> Result<CowVal<'b, 'v>, ExecutionError> {
    let text = args.first().and_then(|text| text.downcast_ref::<CelString<'_>>());
    let pattern = args.get(1).and_then(|pattern| pattern.downcast_ref::<Pattern>());
    match (text, pattern) {
        (Some(text), Some(pattern)) => {
            Ok(CowVal::owned(CelBool::from(pattern.regex.is_match(text.inner()))))
        }
        _ => Err(ExecutionError::missing_argument_or_target()),
    }
}

impl Val for Pattern {
    fn get_type(&self) -> &Type {
        Self::cel_type()
    }

    fn cel_type() -> &'static Type {
        static TYPE: Type = PATTERN;
        &TYPE
    }

    fn clone_as_boxed<'v>(&self) -> Box<dyn Val + 'v>
    where
        Self: 'v,
    {
        Box::new(self.clone())
    }

    fn as_any(&self) -> Option<&dyn std::any::Any> {
        Some(self)
    }
}

impl StaticVal for Pattern {}

pub(super) const MATCHES: &str = "matches";
const PATTERN: Type = Type::simple_type(Kind::Opaque, "pattern");
/// Of an expression.
const MOST_BYTES: usize = 2048;
/// How deep the parser may go.
const MOST_DEEP: u16 = 32;
/// As many errors as one reads at a time.
const MOST_FAULTS: usize = 5;
/// Of a compiled regular expression (C-81).
const REGEX_SIZE: usize = 1 << 18;
