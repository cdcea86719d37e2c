// The replies: filtered, paged and built node by node. What a model said only ever becomes text.

(() => {
  const form = document.getElementById("filters");
  if (!form) return;
  const { names, problems } = JSON.parse(document.getElementById("data").textContent);
  const PAGE = 10;
  const ROLES = ["baseline", "model"];
  const CELLS = {
    right_obedient: "right and compliant",
    right_disobedient: "right, not compliant",
    wrong_obedient: "wrong, but compliant",
    wrong_disobedient: "wrong and not compliant",
    right: "right",
    wrong: "wrong",
    obedient: "compliant",
    disobedient: "not compliant",
    unscored: "unscored",
  };
  const list = document.getElementById("replies");
  const count = document.getElementById("count");
  const pages = document.getElementById("pages");
  const paired = "baseline" in names;
  let found = [];
  let page = 0;

  // One card for each problem, condition and sample, with the replies of both roles.
  const cards = problems.flatMap((problem) => {
    const groups = new Map();
    for (const reply of problem.replies) {
      const key = `${reply.condition} ${reply.sample}`;
      if (!groups.has(key)) {
        groups.set(key, { problem, condition: reply.condition, sample: reply.sample, replies: {} });
      }
      groups.get(key).replies[reply.role] = reply;
    }
    const order = (card) => (card.condition === "constrained" ? 0 : 1);
    return [...groups.values()].sort((a, b) => order(a) - order(b) || a.sample - b.sample);
  });

  const element = (tag, kind, ...inside) => {
    const made = document.createElement(tag);
    if (kind) made.className = kind;
    made.append(...inside.filter((each) => each !== null && each !== undefined));
    return made;
  };

  const text = (words, kind = "") => {
    const made = element("div", `text ${kind}`, words);
    made.dir = "auto";
    made.tabIndex = 0;
    return made;
  };

  const folded = (title, words, kind) => {
    const details = element("details", "", element("summary", "", title));
    details.addEventListener("toggle", () => {
      if (details.open && details.children.length === 1) details.append(text(words, kind));
    });
    return details;
  };

  const state = (verdict) => {
    if (!verdict || verdict.score === null) return "unscored";
    return verdict.score === 1 ? "kept" : "broken";
  };

  const judged = (verdict, words, [passed, failed]) => {
    const kind = state(verdict);
    const mark = { kept: `✓ ${passed}`, broken: `✗ ${failed}`, unscored: "? unscored" }[kind];
    const line = element("li", kind, element("span", "mark", mark), words);
    if (verdict?.reason) line.append(element("span", "why", verdict.reason));
    return line;
  };

  const verdicts = (problem, reply) => {
    const lines = element("ul", "verdicts");
    if (reply.correct) {
      const words = problem.answer === null ? "" : `reference: ${problem.answer}`;
      lines.append(judged(reply.correct, words, ["right", "wrong"]));
    }
    for (const constraint of problem.constraints) {
      const verdict = reply.compliant?.parts?.[constraint.key];
      const words = `${constraint.words} `;
      const line = judged(verdict, words, ["kept", "broken"]);
      line.children[0].after(element("code", "", constraint.key), " ");
      lines.append(line);
    }
    return lines;
  };

  const column = (problem, role, reply) => {
    const who = element("h4", "", names[role], " ");
    if (paired) who.append(element("span", `who ${role}`, role === "model" ? "after" : "before"));
    const box = element("div", "reply", who);
    if (!reply) {
      box.append(element("p", "why", "No reply to this problem."));
      return box;
    }
    const facts = [CELLS[reply.cell], reply.finish_reason.replaceAll("_", " ")];
    if (reply.n_thinking_tokens !== undefined) facts.push(`${reply.n_thinking_tokens} tokens of thinking`);
    if (reply.n_reply_tokens !== undefined) facts.push(`${reply.n_reply_tokens} tokens of reply`);
    box.append(element("p", "tags", facts.join(" · ")), verdicts(problem, reply));
    if (reply.thinking) box.append(folded("Thinking", reply.thinking));
    if (reply.reply) box.append(element("p", "part", "Reply"), text(reply.reply));
    else box.append(element("p", "why", reply.error || "There is no reply."));
    if (reply.raw) box.append(folded("Raw text", reply.raw, "code"));
    return box;
  };

  const build = (card) => {
    const { problem, condition, sample, replies } = card;
    const article = element("article", "", element("h3", "", `Problem ${problem.number}`));
    article.tabIndex = -1;
    const tags = Object.entries(problem.tags).map(([name, value]) => `${name} ${value}`);
    const stated = condition === "constrained" ? "constraints stated" : "constraints not stated";
    const facts = [stated, ...tags, ...(sample ? [`sample ${sample + 1}`] : [])];
    article.setAttribute("aria-label", `Problem ${problem.number}, ${stated}`);
    article.append(element("p", "tags", facts.join(" · ")), element("p", "part", "Question"), text(problem.question));
    const shown = ROLES.filter((role) => role in names);
    const columns = shown.map((role) => column(problem, role, replies[role]));
    article.append(element("div", shown.length > 1 ? "said two" : "said", ...columns));
    return article;
  };

  const changed = ({ replies }, wanted) => {
    const { baseline, model } = replies;
    if (!baseline || !model) return false;
    const [direction, what] = wanted.split("_");
    const key = what === "obedience" ? "compliant" : "correct";
    const [before, after] = direction === "gained" ? ["broken", "kept"] : ["kept", "broken"];
    return state(baseline[key]) === before && state(model[key]) === after;
  };

  const constrained = (problem, reply, { type, kept }) => {
    if (!type && !kept) return true;
    const bound = problem.constraints.filter((each) => !type || each.type === type);
    return bound.some((each) => !kept || state(reply.compliant?.parts?.[each.key]) === kept);
  };

  const matches = (card, wanted) => {
    if (wanted.condition && card.condition !== wanted.condition) return false;
    if (wanted.change && !changed(card, wanted.change)) return false;
    const words = wanted.text.toLowerCase();
    const asked = card.problem.question.toLowerCase().includes(words);
    return ROLES.some((role) => {
      const reply = card.replies[role];
      if (!reply || (wanted.role && wanted.role !== role)) return false;
      if (wanted.cell && reply.cell !== wanted.cell) return false;
      if (wanted.finish_reason && reply.finish_reason !== wanted.finish_reason) return false;
      if (!constrained(card.problem, reply, wanted)) return false;
      const said = [reply.reply, reply.thinking, reply.raw];
      return asked || said.some((each) => each?.toLowerCase().includes(words));
    });
  };

  const turn = (to) => {
    page = to;
    show();
    list.querySelector("article")?.focus();
  };

  const show = () => {
    const last = Math.max(0, Math.ceil(found.length / PAGE) - 1);
    page = Math.min(Math.max(0, page), last);
    const here = found.slice(page * PAGE, (page + 1) * PAGE);
    const from = found.length ? page * PAGE + 1 : 0;
    count.textContent =
      `${found.length} of ${cards.length} ${paired ? "comparisons" : "replies"}` +
      (found.length ? `, ${from} to ${from + here.length - 1} shown` : "");
    list.replaceChildren(...here.map(build));
    const back = element("button", "", "← Previous");
    const on = element("button", "", "Next →");
    back.type = on.type = "button";
    back.disabled = page === 0;
    on.disabled = page === last;
    back.addEventListener("click", () => turn(page - 1));
    on.addEventListener("click", () => turn(page + 1));
    pages.replaceChildren(back, element("span", "", `Page ${page + 1} of ${last + 1}`), on);
  };

  const filter = () => {
    const wanted = Object.fromEntries(new FormData(form));
    wanted.role ??= "";
    wanted.change ??= "";
    found = cards.filter((card) => matches(card, wanted));
    page = 0;
    show();
  };

  const offer = (name, values, words = (value) => value) => {
    for (const value of values) form.elements[name].append(new Option(words(value), value));
  };

  const step = (by) => {
    const articles = [...list.querySelectorAll("article")];
    const here = articles.findIndex((each) => each.contains(document.activeElement));
    articles[here < 0 ? 0 : here + by]?.focus();
  };

  const KEYS = {
    j: () => step(1),
    k: () => step(-1),
    n: () => pages.lastElementChild.disabled || turn(page + 1),
    p: () => pages.firstElementChild.disabled || turn(page - 1),
    "/": () => form.elements.text.focus(),
  };

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest("input, select, textarea")) return;
    if (!Object.hasOwn(KEYS, event.key)) return;
    event.preventDefault();
    KEYS[event.key]();
  });
  form.addEventListener("input", filter);
  form.addEventListener("reset", () => setTimeout(filter));
  form.addEventListener("submit", (event) => event.preventDefault());

  const replies = problems.flatMap((problem) => problem.replies);
  const present = (key) => new Set(replies.map((reply) => reply[key]));
  offer("cell", Object.keys(CELLS).filter((cell) => present("cell").has(cell)), (cell) => CELLS[cell]);
  offer("finish_reason", [...present("finish_reason")].sort(), (ended) => ended.replaceAll("_", " "));
  const types = problems.flatMap((problem) => problem.constraints.map((each) => each.type));
  offer("type", [...new Set(types)].sort());
  for (const label of form.querySelectorAll(".paired")) label.hidden = !paired;
  form.hidden = false;
  filter();
})();
