using Postern.Core.Rehearsal;
using Postern.Core.Reporting;

namespace Postern.Rehearsal;

/// <summary>What a rehearsal was about, and what came of each of its runs.</summary>
/// <param name="Scenario">What was played.</param>
/// <param name="Configuration">Whose settings: a directory, or that they are built in.</param>
/// <param name="Model">The traffic.</param>
/// <param name="Seed">Likewise.</param>
/// <param name="Notes">What the administrator should know of the settings.</param>
/// <param name="Runs">One for each of the settings compared.</param>
internal sealed record RehearsalResult(
    Scenario Scenario, string Configuration, TrafficModel Model, int Seed, IReadOnlyList<string> Notes, IReadOnlyList<RehearsalRun> Runs);

/// <summary>One run.</summary>
/// <param name="Variant">The settings that were tried.</param>
/// <param name="Report">What <c>postern report</c> makes of the run's log.</param>
/// <param name="Tally">What really became of whom.</param>
/// <param name="Unsettled">How often the machine was too busy to be sure of the order of events; 0: the run is reproducible.</param>
internal sealed record RehearsalRun(Variant Variant, Report Report, Tally Tally, int Unsettled);
