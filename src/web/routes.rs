//! The one route table, grouped by audience. Who may call each stands in its handler's signature.

use std::sync::Arc;

use axum::{extract::State, http::StatusCode};
use serde_json::json;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{live, widget};
use crate::{
    app::App,
    assistants, backup, copilot, customers, demo, erasure, evals, inbox, knowledge, memory, merging,
    platform::{Error, Result},
    sales,
    staff::{self, BackupRun, Can},
    turn,
};

/// Every documented route.
pub fn table() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().merge(visitors()).merge(doors()).merge(users())
}

/// For who is about to sign in.
fn doors() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(staff::api::sign_in))
        .routes(routes!(staff::api::set_up))
        .routes(routes!(staff::api::forgot_password))
        .routes(routes!(staff::api::sign_in_options))
        .routes(routes!(staff::api::visit_provider))
        .routes(routes!(staff::api::return_from_provider))
        .routes(routes!(staff::api::show_code_after_provider))
        .routes(routes!(staff::api::refresh_session))
        .route("/setup", axum::routing::get(staff::api::set_up_page))
}

/// For visitors of the website.
fn visitors() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(widget::session))
        .routes(routes!(widget::messages, widget::write))
        .routes(routes!(widget::person))
        .routes(routes!(widget::typing))
        .routes(routes!(widget::send_file))
        .routes(routes!(widget::events))
        .routes(routes!(inbox::api::linked_file))
}

/// For people who sign in, and API keys.
#[rustfmt::skip]
fn users() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        // staff
        .routes(routes!(staff::api::sign_out))
        .routes(routes!(staff::api::me))
        .routes(routes!(staff::api::find_organization, staff::api::edit_organization))
        .routes(routes!(staff::api::change_password))
        .routes(routes!(staff::api::list_sessions))
        .routes(routes!(staff::api::find_mail, staff::api::save_mail))
        .routes(routes!(staff::api::test_mail))
        .routes(routes!(staff::api::end_session))
        .routes(routes!(staff::api::own_settings, staff::api::save_own_settings))
        .routes(routes!(staff::api::find_second_factor, staff::api::begin_second_factor))
        .routes(routes!(staff::api::confirm_second_factor))
        .routes(routes!(staff::api::renew_recovery_codes))
        .routes(routes!(staff::api::remove_second_factor))
        .routes(routes!(staff::api::reset_second_factor))
        .routes(routes!(staff::api::find_security, staff::api::save_security))
        .routes(routes!(staff::api::find_provider, staff::api::save_provider))
        .routes(routes!(staff::api::test_provider))
        .routes(routes!(staff::api::forget_identity))
        .routes(routes!(staff::api::list_users, staff::api::add_user))
        .routes(routes!(staff::api::find_user, staff::api::edit_user))
        .routes(routes!(staff::api::make_reset_link))
        .routes(routes!(staff::api::list_permissions))
        .routes(routes!(staff::api::list_roles, staff::api::add_role))
        .routes(routes!(staff::api::edit_role, staff::api::remove_role))
        .routes(routes!(staff::api::list_teams, staff::api::add_team))
        .routes(routes!(staff::api::edit_team, staff::api::remove_team))
        .routes(routes!(staff::api::add_team_member, staff::api::remove_team_member))
        .routes(routes!(staff::api::list_api_keys, staff::api::make_api_key))
        .routes(routes!(staff::api::revoke_api_key))
        .routes(routes!(staff::api::list_audit))
        .routes(routes!(staff::api::verify_audit))
        .routes(routes!(staff::api::list_notifications))
        .routes(routes!(staff::api::read_notification))
        .routes(routes!(staff::api::read_notifications))
        // customers
        .routes(routes!(customers::api::list, customers::api::add))
        .routes(routes!(customers::api::list_fields, customers::api::save_fields))
        .routes(routes!(customers::api::list_imports, customers::api::import_customers))
        .routes(routes!(customers::api::undo_import))
        .routes(routes!(customers::api::find, customers::api::edit))
        .routes(routes!(customers::api::identities))
        .routes(routes!(customers::api::list_contacts, customers::api::add_contact))
        .routes(routes!(customers::api::edit_contact, customers::api::remove_contact))
        .routes(routes!(customers::api::put_tag, customers::api::take_tag))
        .routes(routes!(customers::api::add_note))
        .routes(routes!(customers::api::timeline))
        .routes(routes!(merging::api::preview_merge, merging::api::merge))
        .routes(routes!(merging::api::list_merges))
        .routes(routes!(merging::api::undo_merge))
        .routes(routes!(customers::api::list_tags, customers::api::add_tag))
        .routes(routes!(customers::api::edit_tag, customers::api::remove_tag))
        // sales
        .routes(routes!(sales::api::list_pipelines, sales::api::add_pipeline))
        .routes(routes!(sales::api::edit_pipeline, sales::api::delete_pipeline))
        .routes(routes!(sales::api::list, sales::api::add))
        .routes(routes!(sales::api::totals))
        .routes(routes!(sales::api::find, sales::api::edit))
        .routes(routes!(sales::api::move_to))
        .routes(routes!(sales::api::win))
        .routes(routes!(sales::api::lose))
        // inbox
        .routes(routes!(live::events))
        .routes(routes!(inbox::api::list))
        .routes(routes!(inbox::api::counts))
        .routes(routes!(inbox::api::find, inbox::api::edit))
        .routes(routes!(inbox::api::assign))
        .routes(routes!(inbox::api::pass))
        .routes(routes!(inbox::api::merge))
        .routes(routes!(inbox::api::read))
        .routes(routes!(inbox::api::presence))
        .routes(routes!(inbox::api::overview))
        .routes(routes!(inbox::api::find_model_price, inbox::api::save_model_price))
        .routes(routes!(inbox::api::gaps))
        .routes(routes!(inbox::api::find_rules, inbox::api::save_rules))
        .routes(routes!(inbox::api::find_away, inbox::api::save_away))
        .routes(routes!(inbox::api::list_canned, inbox::api::add_canned))
        .routes(routes!(inbox::api::edit_canned, inbox::api::remove_canned))
        .routes(routes!(inbox::api::list_templates, inbox::api::add_template))
        .routes(routes!(inbox::api::edit_template, inbox::api::remove_template))
        .routes(routes!(inbox::api::reach))
        .routes(routes!(inbox::api::send_template))
        .routes(routes!(inbox::api::list_views, inbox::api::save_view))
        .routes(routes!(inbox::api::remove_view))
        .routes(routes!(turn::api::suggest))
        .routes(routes!(copilot::api::abilities))
        .routes(routes!(copilot::api::reword_text))
        .routes(routes!(copilot::api::translate_text))
        .routes(routes!(copilot::api::sum_up))
        .routes(routes!(inbox::api::messages, inbox::api::reply))
        .routes(routes!(inbox::api::send_file))
        .routes(routes!(inbox::api::react))
        .routes(routes!(inbox::api::note))
        .routes(routes!(inbox::api::turns))
        .routes(routes!(inbox::api::take_over))
        .routes(routes!(inbox::api::give_back))
        .routes(routes!(inbox::api::resolve))
        .routes(routes!(inbox::api::channels, inbox::api::add_channel))
        .routes(routes!(inbox::api::find_channel, inbox::api::edit_channel, inbox::api::remove_channel))
        .routes(routes!(inbox::api::pause_channel))
        .routes(routes!(inbox::api::resume_channel))
        .routes(routes!(inbox::api::test_channel))
        .routes(routes!(inbox::api::attachment))
        .routes(routes!(inbox::api::avatar))
        .routes(routes!(inbox::api::list_webhooks, inbox::api::add_webhook))
        .routes(routes!(inbox::api::remove_webhook))
        .routes(routes!(inbox::api::enable_webhook))
        .routes(routes!(inbox::api::webhook_deliveries))
        .routes(routes!(inbox::api::replay_delivery))
        // knowledge
        .routes(routes!(knowledge::api::list_bases, knowledge::api::add_base))
        .routes(routes!(knowledge::api::edit_base, knowledge::api::delete_base))
        .routes(routes!(knowledge::api::list_documents, knowledge::api::upload))
        .routes(routes!(knowledge::api::find_document, knowledge::api::edit_document, knowledge::api::delete_document))
        .routes(routes!(knowledge::api::add_url))
        .routes(routes!(knowledge::api::ingest_again))
        .routes(routes!(knowledge::api::versions))
        .routes(routes!(knowledge::api::schedule_document))
        .routes(routes!(knowledge::api::restore_version))
        .routes(routes!(knowledge::api::compare_versions))
        .routes(routes!(knowledge::api::document_passages))
        .routes(routes!(knowledge::api::find_passage))
        .routes(routes!(knowledge::api::list_faqs, knowledge::api::add_faq))
        .routes(routes!(knowledge::api::search))
        .routes(routes!(knowledge::api::knowledge_use))
        .routes(routes!(turn::api::contradictions))
        .routes(routes!(knowledge::api::index_state, knowledge::api::reindex))
        .routes(routes!(memory::api::list, memory::api::add))
        .routes(routes!(memory::api::why, memory::api::change, memory::api::forget))
        .routes(routes!(memory::api::list_shared, memory::api::propose))
        .routes(routes!(memory::api::decide))
        .routes(routes!(erasure::api::export))
        .routes(routes!(erasure::api::order))
        .routes(routes!(erasure::api::find_erasure))
        .routes(routes!(turn::api::ask))
        // assistants
        .routes(routes!(assistants::api::find))
        .routes(routes!(assistants::api::save_gate))
        .routes(routes!(assistants::api::list_versions, assistants::api::add_version))
        .routes(routes!(evals::api::publish))
        .routes(routes!(assistants::api::roll_back))
        .routes(routes!(evals::api::replay))
        .routes(routes!(assistants::api::find_model, assistants::api::save_model))
        .routes(routes!(assistants::api::test_model))
        .routes(routes!(remove_demo))
        // backup
        .routes(routes!(backup::api::take))
        .routes(routes!(knowledge::api::find_faq, knowledge::api::edit_faq, knowledge::api::delete_faq))
}

/// Remove the demo company with everything in it.
#[utoipa::path(delete, path = "/api/demo", tag = "maintenance", responses((status = 204)))]
async fn remove_demo(State(app): State<Arc<App>>, by: Can<BackupRun>) -> Result<StatusCode> {
    // The demo is nobody's data; only who may handle everything's data may remove it.
    let company = staff::find_org(&app, staff::DEMO_ORG).await?.ok_or(Error::NotFound("demo company"))?;
    demo::remove(&app).await?;
    if company.id != by.org {
        let mut tx = app.begin().await?;
        let changes = json!({"name": [company.name, null]});
        staff::audit(tx.conn(), app.now(), &by, "demo.remove", ("organization", company.id.0), changes).await?;
        tx.commit().await?;
    }
    Ok(StatusCode::NO_CONTENT)
}
