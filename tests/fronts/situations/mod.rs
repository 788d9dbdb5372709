//! What happens at a front, each as a function of any front.

mod bearer;
mod identity;
mod login;
mod outage;
mod paths;
mod refusals;
mod session;
mod step_up;
mod traffic;
mod whole_answer;

pub(crate) use bearer::*;
pub(crate) use identity::*;
pub(crate) use login::*;
pub(crate) use outage::*;
pub(crate) use paths::*;
pub(crate) use refusals::*;
pub(crate) use session::*;
pub(crate) use step_up::*;
pub(crate) use traffic::*;
pub(crate) use whole_answer::*;

/// A test of this front for each situation, with further attributes where it is one to be left out.
macro_rules! each_situation {
    ($front:ident $(, #[$attribute:meta])*) => {
        each_situation! { $front, [$(#[$attribute])*]:
            a_navigation_without_a_session_goes_to_the_provider
            a_fetch_without_a_session_gets_401_and_no_state_cookie
            a_person_signs_in_with_a_real_browser
            a_deep_link_with_two_slashes_and_an_address_in_its_query_comes_back
            two_tabs_sign_in_at_once
            parallel_requests_past_expiry_spend_one_refresh_token
            who_may_not_gets_403_and_no_loop
            who_has_to_prove_more_goes_to_the_provider_again
            the_app_is_told_who_it_is
            identity_that_a_visitor_states_never_reaches_the_app
            c38_another_address_that_a_visitor_states_opens_nothing
            c41_no_spelling_of_a_path_passes_as_the_public_one
            a_post_arrives_whole
            a_post_without_a_session_gets_401
            a_socket_echoes_for_who_is_signed_in
            a_socket_without_a_session_is_refused
            c60_no_other_tunnel_is_opened_to_the_app
            a_program_with_a_token_is_let_in_and_with_a_bad_one_told_so
            signing_out_ends_the_session
            what_tells_tokens_is_closed_to_visitors
            c122_nobody_gets_in_while_the_gateway_is_dead
            c122_nobody_gets_in_while_the_gateway_is_silent
        }
    };
    ($front:ident: $($situation:ident)*) => {
        each_situation! { $front, []: $($situation)* }
    };
    ($front:ident, $attributes:tt: $($situation:ident)*) => {
        $(each_situation! { @one $front $situation $attributes })*
    };
    (@one $front:ident $situation:ident [$(#[$attribute:meta])*]) => {
        #[tokio::test]
        $(#[$attribute])*
        async fn $situation() {
            crate::situations::$situation(&$front).await;
        }
    };
}

/// The same for what only fronts do that hand over the gateway's whole answer.
macro_rules! each_situation_of_whole_answers {
    ($front:ident $(, #[$attribute:meta])*) => {
        each_situation! { $front, [$(#[$attribute])*]:
            a_browsers_socket_echoes
            c123_a_session_of_two_cookies_is_renewed_in_both
            c47_another_method_or_address_is_taken_away
            s47_only_the_gateways_cookies_are_cut
            the_choice_of_a_provider_is_the_fronts
            the_query_of_a_page_is_not_that_of_the_question
        }
    };
}
