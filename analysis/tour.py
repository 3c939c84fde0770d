# %% [markdown]
# # A study, from its records to figures
# Run `make demo` first, or name another study's folder. Each cell can be run by itself in an editor that knows `# %%`.

# %%
import analysis
from analysis.evidence import gather
from analysis.figures.ratio import plot_ratio
from analysis.figures.steps import plot_steps

STUDY = "studies/quickstart"

# %% One row a trial, then one row a cell: the fewest steps that any of its trials took to the goal.
trials = analysis.load(STUDY)
cells = analysis.steps_to_result(trials)
print(cells[["batch_size", "sparsity", "steps_to_result", "best_trial", "reached", "trials"]])

# %% Both scaling laws on the dense cells, and which the cells support; a cell without a result is a lower bound.
dense = cells[cells["sparsity"] == 0]
steps = dense["steps_to_result"].fillna(dense["censored_at"]).astype(float)
fit = analysis.fit(dense["batch_size"], steps, dense["steps_to_result"].isna())
print(fit.verdict, fit.best and fit.best.parameters())

# %% The thesis's figures 5.1 and 5.12, with intervals from 500 resamples of the trials.
evidence = gather([STUDY], resamples=500)
plot_steps(evidence.series).show()
plot_ratio(evidence.ratios).show()
