//! What every route of the API has in common, added to its description once.

use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        ComponentsBuilder, ContentBuilder, KnownFormat, ObjectBuilder, OpenApi, RefOr, Required, ResponseBuilder,
        SchemaFormat, Type,
        path::{Operation, Parameter, ParameterBuilder, ParameterIn},
        security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme},
    },
};

use crate::staff;

/// How every error is said.
#[derive(ToSchema, serde::Serialize)]
struct Problem {
    error: ProblemDetails,
}

/// What went wrong.
#[derive(ToSchema, serde::Serialize)]
struct ProblemDetails {
    /// A stable word for programs, like `not_found`.
    code: String,
    /// In words for a person.
    message: String,
}

/// Adds to each route the parameters of its path, its errors, how to sign in, and a name no other route has.
pub fn complete(mut api: OpenApi) -> OpenApi {
    for (path, item) in &mut api.paths.paths {
        let operations = [&mut item.get, &mut item.put, &mut item.post, &mut item.delete, &mut item.patch];
        for operation in operations.into_iter().flatten() {
            name(operation);
            place_ids(path, operation);
            let problem = ContentBuilder::new().schema(Some(utoipa::openapi::Ref::from_schema_name("Problem"))).build();
            let response = ResponseBuilder::new()
                .description("It did not work: `error.code` says why, `error.message` says it to a person.")
                .content("application/json", problem)
                .build();
            operation.responses.responses.insert("default".into(), RefOr::T(response));
            if path.starts_with("/api/widget/") {
                operation.security = Some(vec![SecurityRequirement::default()]);
            }
        }
    }
    let components = api.components.take().unwrap_or_default();
    let mut components = ComponentsBuilder::from(components)
        .schema("Problem", Problem::schema())
        .schema("ProblemDetails", ProblemDetails::schema())
        .build();
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .description(Some("A session (`fs_…`) or an API key (`fd_…`)."))
        .build();
    components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
    let cookie = ApiKeyValue::with_description(staff::COOKIE, "A browser's session.");
    components.add_security_scheme("cookie", SecurityScheme::ApiKey(ApiKey::Cookie(cookie)));
    api.components = Some(components);
    let none: [&str; 0] = [];
    api.security = Some(vec![SecurityRequirement::new("bearer", none), SecurityRequirement::new("cookie", none)]);
    api
}

/// Handlers of different rooms share names; with the room's they differ.
fn name(operation: &mut Operation) {
    let room = operation.tags.as_ref().and_then(|t| t.first()).cloned().unwrap_or_else(|| "web".into());
    if let Some(id) = &mut operation.operation_id {
        *id = format!("{room}_{id}");
    }
}

/// Every variable part of a path is an id.
fn place_ids(path: &str, operation: &mut Operation) {
    let parameters = operation.parameters.get_or_insert_default();
    let variable = path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    for (place, part) in variable.enumerate() {
        let is_it =
            |p: &RefOr<Parameter>| matches!(p, RefOr::T(p) if p.parameter_in == ParameterIn::Path && p.name == part);
        if parameters.iter().any(is_it) {
            continue;
        }
        let uuid = ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::Uuid)))
            .build();
        let parameter = ParameterBuilder::new()
            .name(part)
            .parameter_in(ParameterIn::Path)
            .required(Required::True)
            .schema(Some(uuid))
            .build();
        parameters.insert(place, RefOr::T(parameter));
    }
    if parameters.is_empty() {
        operation.parameters = None;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    #[test]
    fn every_route_has_a_name_of_its_own_and_says_its_parameters() {
        let api = serde_json::to_value(crate::web::openapi()).unwrap();
        let mut names = BTreeSet::new();
        for (path, methods) in api["paths"].as_object().unwrap() {
            for operation in methods.as_object().unwrap().values() {
                let name = operation["operationId"].as_str().unwrap();
                assert!(names.insert(name.to_string()), "{name} stands twice");
                let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
                let placed = parameters.iter().filter(|p| p["in"] == "path").count();
                assert_eq!(placed, path.matches('{').count(), "{path}");
                assert!(operation["responses"]["default"].is_object(), "{path}");
            }
        }
    }
}
