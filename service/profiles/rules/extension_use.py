"""Extensions against their definitions: https://hl7.org/fhir/R5/defining-extensions.html#context.

Whether an extension is known, conforms to its definition, may stand where it stands, and is a modifier only where it
may be one. The parts of a complex extension (with a name instead of a URL) belong to the definition of the whole.
"""

from __future__ import annotations

from typing import Any, Final

from service.fhir import definitions
from service.fhir.fhirpath import EvaluationError, Hooks, Node, PathError, PathNotSupported
from service.fhir.fhirpath import compile as compile_path
from service.profiles import item as items
from service.profiles.definition import place as places
from service.profiles.definition.problems import STRUCTURE
from service.profiles.item import Item
from service.profiles.profile import Profile
from service.profiles.profile_run import ProfileRun
from service.profiles.run import SINGLE, Object, Where, location, quoted

_MODIFIER: Final = "modifierExtension"
# R5's own definitions use it, and none of its packages defines it.
_UNDEFINED: Final = frozenset({STRUCTURE + "structuredefinition-implements"})
# R5's own definitions use it at the types of an element, where its definition does not allow it.
_MORE_CONTEXTS: Final = {STRUCTURE + "regex": "ElementDefinition.type"}
ANYWHERE: Final[tuple[str, ...]] = ()
"""Stands among the places at which an extension is permitted, where that is every place."""
_HOOKS: Final = Hooks(variables=frozenset({"extension"}))


def check_all(root: Item, run: ProfileRun) -> None:
    """Check the extensions that the base check has met."""
    for value, where in run.extensions:
        url = value.get("url")
        if isinstance(url, str):
            _check(url, value, where, root, run)


def _check(url: str, value: Object, where: Where, root: Item, run: ProfileRun) -> None:
    if ":" not in url:
        return
    profile = run.surroundings.profile(url)
    if profile is None:
        _unknown(url, where, run)
        return
    if profile.type != "Extension":
        text = f"{quoted(url)} defines a {profile.type}, not an extension"
        run.report("structure", "extension", (where, "url", SINGLE), text)
        return
    item = Item(value, None, where, "Extension", places.root("Extension"))
    run.apply(url, item)
    around, run.profile = run.profile, profile.url
    _check_modifier(profile, where, run)
    _check_context(profile, item, root, run)
    run.profile = around


def _unknown(url: str, where: Where, run: ProfileRun) -> None:
    there: Where = (where, "url", SINGLE)
    if url in _UNDEFINED:
        return
    if url.startswith(STRUCTURE):
        run.report("extension", "extension", there, f"FHIR defines no extension {quoted(url)}")
    elif where[1] == _MODIFIER:
        text = f"the modifier extension {quoted(url)} is not known here, and what it modifies cannot be understood"
        run.report("extension", "extension", there, text, "warning")
    else:
        run.report("extension", "extension", there, f"the extension {quoted(url)} is not known here", "information")


def _check_modifier(profile: Profile, where: Where, run: ProfileRun) -> None:
    modifier = profile.tree.root.given.get("isModifier") is True
    if modifier != (where[1] == _MODIFIER):
        words = "is a modifier and must be in modifierExtension" if modifier else "is no modifier"
        run.report("extension", "modifier-extension", where, f"the extension {quoted(profile.url)} {words}")


def _check_context(profile: Profile, item: Item, root: Item, run: ProfileRun) -> None:
    if ANYWHERE in profile.permitted_at:
        return
    contexts = profile.tree.definition.get("context")
    invariants = profile.tree.definition.get("contextInvariant")
    static = _static_path(item.where, root) if not invariants else None
    if static in profile.permitted_at:
        return
    free = not isinstance(contexts, list) and not isinstance(invariants, list)
    if free or (not invariants and any(_anywhere(context) for context in contexts or ())):
        profile.permitted_at.add(ANYWHERE)
        return
    chain = path_to(item.where, root)
    if not contexts or any(_fits(context, chain) for context in (*contexts, *_more(profile.url))):
        if static and all(context.get("type") == "element" for context in contexts or ()):
            profile.permitted_at.add(static)
    else:
        allowed = ", ".join(str(context.get("expression")) for context in contexts)
        text = f"the extension {quoted(profile.url)} is not allowed here, but at {allowed}"
        run.report("extension", "extension-context", item.where, text)
    resource = next(there for there in reversed(chain) if there.holder and "resourceType" in there.holder)
    for expression in invariants or ():
        _check_invariant(str(expression), item, chain[-1], resource, run)


def _check_invariant(expression: str, item: Item, owner: Item, resource: Item, run: ProfileRun) -> None:
    """Evaluate a ``contextInvariant`` on the element that has the extension; ``%extension`` is the extension."""
    node = Node(owner.value, owner.place.path if owner.place else owner.type, owner.beside)
    variables = {"extension": Node(item.value, "Extension")}
    try:
        met = compile_path(expression, hooks=_HOOKS).boolean(resource.value, node, variables=variables)
    except (PathError, PathNotSupported, EvaluationError) as problem:
        run.not_evaluated("extension-context", item.where, str(problem))
        return
    if met is not True:
        text = f"the extension {quoted(item.value['url'])} is allowed only where {expression}"
        run.report("invariant", "extension-context", item.where, text)


def _static_path(where: Where, root: Item) -> tuple[str, ...] | None:
    """The path from the root to the owner, if it tells by itself what the owner is: not so in a resource within."""
    names = [root.type]
    step = where[0]
    while step is not None and step[0] is not None:
        name = step[1]
        if name in ("resource", "contained", "outcome"):
            return None
        names.append(name)
        step = step[0]
    return tuple(names)


def _anywhere(context: dict[str, Any]) -> bool:
    return context.get("type") == "element" and context.get("expression") == "Element"


def path_to(where: Where, root: Item) -> list[Item]:
    """The items from the root to the owner of what stands at ``where``, the root included."""
    steps: list[Where] = []
    step = where[0]
    while step is not None:
        steps.append(step)
        step = step[0]
    found = [root]
    for _, name, index in reversed(steps[:-1]):
        here = found[-1]
        read = items.reader(here.place, name.partition(".ofType(")[0]) if here.place else None
        children = read(here.holder or {}, here.where) if read else []
        found += [child for child in children if child.where[2] == index][:1]
    return found


def _more(url: str) -> list[dict[str, Any]]:
    return [{"type": "element", "expression": _MORE_CONTEXTS[url]}] if url in _MORE_CONTEXTS else []


def _fits(context: dict[str, Any], chain: list[Item]) -> bool:
    kind, expression = context.get("type"), str(context.get("expression"))
    if kind == "element":
        return _anywhere(context) or _base_url(expression) or expression in _names(chain)
    if kind == "extension":
        # An extension of the value of an extension extends that extension, too.
        near = [there for there in chain[-2:] if there.type == "Extension"]
        return any(there.value.get("url") == expression.partition("#")[0] for there in near)
    if kind == "fhirpath":
        return _selects(expression, chain)
    return True


def _base_url(expression: str) -> bool:
    """Whether the context is an element of a profile, of which the resource need not say that it conforms to it."""
    return "#" in expression


def _names(chain: list[Item]) -> set[str]:
    """All that a context may call the last item: its path in the resource and in its type, and its types."""
    owner = chain[-1]
    found = {owner.type, *_ancestors(owner)}
    start = max(index for index, there in enumerate(chain) if there.holder and "resourceType" in there.holder)
    paths = [chain[start].type]
    for before, there in zip(chain[start:], chain[start + 1 :], strict=False):
        element = places.elements(before.place)[there.where[1].partition(".ofType(")[0]] if before.place else None
        if element is None:
            continue
        shown = element.path.rpartition(".")[2]
        paths = [path + "." + shown for path in paths] + [element.path]
        if element.content:
            paths.append(element.content)
    found.update(paths)
    found.update(path.removesuffix("[x]") for path in paths)
    return found


def _ancestors(owner: Item) -> set[str]:
    found = set(definitions.ancestors(owner.type)) if owner.type in definitions.type_names() else set()
    if owner.holder and "resourceType" in owner.holder and owner.place:
        names = places.elements(owner.place)
        if {"url", "version", "status", "experimental"} <= names.keys():
            found.add("CanonicalResource")
        if {"url", "approvalDate", "lastReviewDate"} <= names.keys():
            found.add("MetadataResource")
    return found


def _selects(expression: str, chain: list[Item]) -> bool:
    """Whether a FHIRPath finds the owner of the extension; what cannot be evaluated is taken to."""
    resource = next(there for there in reversed(chain) if there.holder and "resourceType" in there.holder)
    try:
        nodes = compile_path(expression)(resource.value)
    except (PathError, PathNotSupported, EvaluationError):
        return True
    wanted = resource.type + location(chain[-1].where).removeprefix(location(resource.where))
    return any(node.path.replace("[x]", "") == wanted for node in nodes)
