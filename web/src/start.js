// The start page: what this server is, and what it holds. Text from the server goes into the page as
// text only.
const el = (name, text) => {
  const node = document.createElement(name);
  if (text !== undefined) node.textContent = text;
  return node;
};

const get = async (path) => {
  const response = await fetch(path, { headers: { Accept: "application/json" } });
  if (!response.ok) throw new Error(`${path}: status ${response.status}`);
  return response.json();
};

const facts = (rows) => {
  const list = document.getElementById("facts");
  list.replaceChildren(...rows.flatMap(([name, value]) => [el("dt", name), el("dd", value)]));
};

const showServer = async () => {
  try {
    const [version, cluster] = await Promise.all([get("/api/v1/version"), get("/api/v1/cluster")]);
    const { build, runtime } = version;
    facts([
      ["State", "running"],
      ["Version", `${build.version} (${build.commit_short_hash}, ${build.build_date.slice(0, 10)})`],
      ["Node", cluster.self_node_id],
      ["Cluster", `${cluster.cluster_id}, ${cluster.ready_nodes.length} node(s)`],
      ["Processors", `${runtime.num_cpus}, ${runtime.simd}`],
    ]);
  } catch (error) {
    facts([["State", `cannot be reached: ${error.message}`]]);
    document.querySelector("#facts dd").className = "bad";
  }
};

// A server that cannot list indexes has none to show: the section stays hidden.
const showIndexes = async () => {
  let indexes;
  try {
    indexes = await get("/api/v1/indexes");
  } catch {
    return;
  }
  const holder = document.getElementById("index-list");
  if (indexes.length === 0) {
    holder.replaceChildren(el("p", "None yet."));
  } else {
    const table = el("table");
    const head = table.createTHead().insertRow();
    head.append(el("th", "Name"), el("th", "Created"));
    const body = table.createTBody();
    for (const index of indexes) {
      const row = body.insertRow();
      row.append(
        el("td", index.index_config.index_id),
        el("td", new Date(index.create_timestamp * 1000).toISOString()),
      );
    }
    holder.replaceChildren(table);
  }
  document.getElementById("indexes-section").hidden = false;
};

const code = document.querySelector("#curl code");
code.textContent = code.textContent.replaceAll("http://127.0.0.1:7280", location.origin);
showServer();
showIndexes();
