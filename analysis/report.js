// Draws each chart once it comes into view, and lets a click on a sparsity in one legend hide it in every chart.
(() => {
  const hidden = new Set();
  const charts = Array.from(document.querySelectorAll(".chart"));
  const shared = (trace) => trace.legendgroup && /^(dense|[\d.]+% sparse)$/.test(trace.legendgroup);
  const visibility = (trace) => (shared(trace) && hidden.has(trace.legendgroup) ? "legendonly" : true);
  function draw(chart) {
    if (chart.dataset.drawn) return;
    chart.dataset.drawn = "yes";
    const figure = JSON.parse(chart.querySelector("script").textContent);
    figure.data.forEach((trace) => { if (shared(trace)) trace.visible = visibility(trace); });
    Plotly.newPlot(chart, figure.data, figure.layout, { responsive: true, displaylogo: false, displayModeBar: false });
    chart.on("plotly_legendclick", (event) => {
      const trace = event.data[event.curveNumber];
      if (!shared(trace)) return true;
      if (!hidden.delete(trace.legendgroup)) hidden.add(trace.legendgroup);
      charts.filter((other) => other.dataset.drawn).forEach((other) => {
        const indices = other.data.flatMap((each, i) => (each.legendgroup === trace.legendgroup ? [i] : []));
        if (indices.length) Plotly.restyle(other, { visible: visibility(trace) }, indices);
      });
      return false;
    });
  }
  const watch = new IntersectionObserver((entries) => {
    entries.filter((entry) => entry.isIntersecting).forEach((entry) => { watch.unobserve(entry.target); draw(entry.target); });
  }, { rootMargin: "600px" });
  charts.forEach((chart) => watch.observe(chart));
  window.addEventListener("beforeprint", () => charts.filter((chart) => chart.offsetParent).forEach(draw));
})();
