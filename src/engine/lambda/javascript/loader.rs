//! ES modules: the runtime files say what a name means and what its source is.

use rquickjs::loader::{ImportAttributes, Loader, Resolver};
use rquickjs::module::Declared;
use rquickjs::{Ctx, Function, Module};

use super::sandbox::internals;

pub(super) struct ModuleResolver;

impl Resolver for ModuleResolver {
    fn resolve<'js>(
        &mut self,
        ctx: &Ctx<'js>,
        base: &str,
        name: &str,
        _: Option<ImportAttributes<'js>>,
    ) -> rquickjs::Result<String> {
        let resolve: Function<'_> = internals(ctx)?.get("resolveImport")?;
        resolve.call((base, name))
    }
}

pub(super) struct ModuleLoader;

impl Loader for ModuleLoader {
    fn load<'js>(
        &mut self,
        ctx: &Ctx<'js>,
        name: &str,
        _: Option<ImportAttributes<'js>>,
    ) -> rquickjs::Result<Module<'js, Declared>> {
        let source_of: Function<'_> = internals(ctx)?.get("sourceOf")?;
        let source: String = source_of.call((name,))?;
        declare(ctx, name, source)
    }
}

/// Compiles a module and gives it its `import.meta`.
pub(super) fn declare<'js>(
    ctx: &Ctx<'js>,
    name: &str,
    source: String,
) -> rquickjs::Result<Module<'js, Declared>> {
    let module = Module::declare(ctx.clone(), name, source)?;
    let meta = module.meta()?;
    meta.set("url", name)?;
    if let Some(path) = name.strip_prefix("file://") {
        let folder = path.rsplit_once('/').map_or("/", |(folder, _)| folder);
        meta.set("filename", path)?;
        meta.set("dirname", folder)?;
    }
    Ok(module)
}
