using System.Runtime.InteropServices;
using Postern.Core;
using Postern.Core.Config;
using Postern.Core.Dnsbl;
using Postern.Core.Rehearsal;
using Postern.ProcessLife;
using Postern.Rehearsal;
using Postern.Reports;
using Postern.Storage;
using Postern.Tables;
using Spectre.Console;

namespace Postern.Cli;

/// <summary>What <c>postern rehearse</c> is to play and print.</summary>
/// <param name="Directory">Where main.cf and master.cf are; null: /etc/postfix, or the built-in configuration where that has none.</param>
/// <param name="Scenario">One of <see cref="Scenario.All"/>, by name.</param>
/// <param name="Overrides">Texts <c>name=value</c>, over the configuration, in every run.</param>
/// <param name="Compared">Texts <c>name=value</c>, each in a run of its own, instead of the scenario's runs; none: those.</param>
/// <param name="Model">Texts <c>name=value</c>, over the scenario's model.</param>
/// <param name="Seed">Of the traffic.</param>
/// <param name="ShowModel">Print the model, and play nothing.</param>
/// <param name="WithReports">Print the whole report of every run, too.</param>
/// <param name="AsJson">For programs.</param>
/// <param name="Logs">A folder that keeps the runs' logs; null: nobody does.</param>
/// <param name="EventLog">A file that keeps the run's event log, one beside it for each run where there are several; null: nobody does.</param>
/// <param name="AreVisitsFixed">Clients make the same visits whatever becomes of them.</param>
internal sealed record RehearseQuery(
    string? Directory,
    string Scenario,
    IReadOnlyList<string> Overrides,
    IReadOnlyList<string> Compared,
    IReadOnlyList<string> Model,
    int Seed,
    bool ShowModel,
    bool WithReports,
    bool AsJson,
    string? Logs,
    string? EventLog = null,
    bool AreVisitsFixed = false);

/// <summary><c>postern rehearse</c>: plays bots and honest senders against a configuration, in a sandbox and in fast motion.</summary>
internal static class RehearseVerb
{
    private const string DefaultDirectory = "/etc/postfix";
    private const int Interrupted = 130; // as shells count it

    /// <param name="output">UTF-8.</param>
    /// <param name="errors">For problems, and for the progress where it is a terminal.</param>
    /// <returns>The exit status: 1 when it could not be played.</returns>
    public static int Run(RehearseQuery query, Stream output, TextWriter errors)
    {
        var scenario = Scenario.All.First(scenario => scenario.Name == query.Scenario);
        if (!TryModel(scenario.Model, query.Model, out var model, errors))
            return 1;
        if (query.ShowModel)
        {
            RehearsalText.WriteModel(model, ReportVerb.TerminalOn(output));
            return 0;
        }

        if (scenario.Settings is not null && query.Directory is not null)
        {
            errors.WriteLine($"postern rehearse: scenario {scenario.Name} brings its own configuration: leave -c away, or the scenario");
            return 1;
        }

        using var stop = new CancellationTokenSource();
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, End);
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, End);
        ProcessLimits.RaiseOpenFiles(out _);
        try
        {
            var site = new Site(query, scenario);
            if (Variants(query, scenario, site, out var notes, errors) is not { } variants)
                return 1;
            if (query.Logs is { } logs)
                Directory.CreateDirectory(logs);
            var configurations = variants.ConvertAll(site.Load);
            var lists = DnsblSites.Union(configurations.Select(static configuration => configuration.Services[0].Settings.DnsblSites).OfType<DnsblSites>());
            var runs = Play(variants, (variant, progress) => Rehearsals.Play(
                variant, configurations[variants.IndexOf(variant)], OptionsOf(query, model, variant, variants.Count) with { Lists = lists }, progress, stop.Token));
            Write(new RehearsalResult(scenario, site.Name, model, query.Seed, notes, runs), query, output);
            return 0;
        }
        catch (OperationCanceledException)
        {
            return Interrupted;
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            errors.WriteLine($"postern rehearse: {problem.Message}");
            return 1;
        }

        void End(PosixSignalContext signal)
        {
            signal.Cancel = true; // the sandbox is taken down first
            stop.Cancel();
        }
    }

    private static bool TryModel(TrafficModel model, IReadOnlyList<string> settings, out TrafficModel changed, TextWriter errors)
    {
        changed = model;
        foreach (var setting in settings)
        {
            if (!changed.TrySet(setting, out var next, out var problem))
            {
                errors.WriteLine($"postern rehearse: --set {problem}");
                return false;
            }

            changed = next;
        }

        return true;
    }

    /// <summary>What is to be run, each checked.</summary>
    /// <returns>Null: a configuration has errors, which are told.</returns>
    private static List<Variant>? Variants(RehearseQuery query, Scenario scenario, Site site, out IReadOnlyList<string> notes, TextWriter errors)
    {
        notes = [];
        var wanted = query.Compared.Count == 0 ? scenario.Variants
            : [.. query.Compared.Select(static setting => new Variant(setting, [setting])), new Variant("as it is", [])];
        var own = site.Load(new Variant("", []));
        foreach (var configuration in wanted.Select(site.Load).Prepend(own))
        {
            var problems = configuration.Problems.Where(problem => problem.Severity is ProblemSeverity.Error || problem.File == "-o").ToList();
            if (!configuration.HasErrors && problems.Count == 0)
                continue;
            CheckVerb.PrintProblems(problems, errors);
            if (configuration.HasErrors)
                return null;
        }

        // A greet wait that the configuration has anyway needs no second run.
        var settings = own.Services[0].Settings;
        notes = Notes(settings);
        var mine = FormattableString.Invariant($"postscreen_greet_wait={settings.GreetWait.TotalSeconds}s");
        return !wanted.Any(variant => variant.Overrides is [var only] && only == mine) || !wanted.Any(static variant => variant.Overrides.Count == 0)
            ? [.. wanted]
            : [.. wanted.Where(static variant => variant.Overrides.Count > 0).Select(
                variant => variant.Overrides is [var only] && only == mine ? new Variant(variant.Label + " (as it is)", []) : variant)];
    }

    private static List<string> Notes(Settings settings)
    {
        var notes = new List<string>();
        if (settings.GreetBanner.Length > 0 && settings.GreetAction is FailAction.Ignore)
            notes.Add("postscreen_greet_action is ignore, so early talkers are logged and let in. Try -o postscreen_greet_action=enforce");
        if (settings.DnsblSites is not null && settings.DnsblAction is FailAction.Ignore)
            notes.Add("postscreen_dnsbl_action is ignore, so who is on DNS lists is logged and let in. Try -o postscreen_dnsbl_action=enforce");
        if (settings.LiveHandover)
            notes.Add("postern_live_handover is not rehearsed: clients that pass tests after the greeting are told to come back here.");
        return notes;
    }

    private static List<RehearsalRun> Play(List<Variant> variants, Func<Variant, Action<double>, RehearsalRun> play)
    {
        if (Console.IsErrorRedirected)
            return [.. variants.Select(variant => play(variant, static _ => { }))];
        var runs = new List<RehearsalRun>();
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Error) });
        console.Progress().AutoClear(true).Start(context =>
        {
            var tasks = variants.ConvertAll(variant => context.AddTask(Markup.Escape(variant.Label), maxValue: 1));
            for (var i = 0; i < variants.Count; i++)
            {
                var task = tasks[i];
                runs.Add(play(variants[i], done => task.Value = done));
                task.Value = 1;
            }
        });
        return runs;
    }

    private static void Write(RehearsalResult result, RehearseQuery query, Stream output)
    {
        if (query.AsJson)
        {
            RehearsalJson.Write(result, output);
            return;
        }

        var console = ReportVerb.TerminalOn(output);
        RehearsalText.Write(result, console);
        foreach (var run in query.WithReports ? result.Runs : [])
        {
            console.WriteLine();
            console.Write(new Rule(Markup.Escape(run.Variant.Label)).LeftJustified());
            TextReport.Write(run.Report, console);
        }
    }

    private static RehearsalOptions OptionsOf(RehearseQuery query, TrafficModel model, Variant variant, int runs) => new(model, query.Seed)
    {
        AreVisitsFixed = query.AreVisitsFixed,
        KeepLog = query.Logs is null ? null : Path.Combine(query.Logs, FileName(variant) + ".log"),
        KeepEvents = query.EventLog is null || runs == 1 ? query.EventLog : $"{query.EventLog}.{FileName(variant)}",
    };

    private static string FileName(Variant variant) => string.Concat(variant.Label.Select(static one => char.IsAsciiLetterOrDigit(one) ? one : '_'));

    /// <summary>The configuration that is rehearsed.</summary>
    private sealed class Site
    {
        private readonly string _directory;
        private readonly ITextFiles _files;
        private readonly IReadOnlyList<string> _overrides;

        // No name is looked up in the real DNS, and nobody becomes another user.
        private readonly HostFacts _host = HostFactsReader.Read() with { IsRoot = false, ResolveHost = static _ => [IpAddress.FromIPv4(0x7f000001)] };

        public Site(RehearseQuery query, Scenario scenario)
        {
            var isBuiltIn = scenario.Settings is not null || (query.Directory is null && !File.Exists(DefaultDirectory + "/main.cf"));
            _directory = isBuiltIn ? SampleFiles.Directory : query.Directory ?? DefaultDirectory;
            _files = isBuiltIn ? SampleFiles.Configuration : new TextFiles();
            _overrides = [.. scenario.Settings ?? [], .. query.Overrides];
            Name = !isBuiltIn ? _directory : scenario.Settings is null ? $"a built-in configuration, as there is no {DefaultDirectory}/main.cf" : "its own configuration";
        }

        public string Name { get; }

        public Configuration Load(Variant variant) => Configuration.LoadTrial(_directory, _files, _host, HostTableTypes.For, [.. _overrides, .. variant.Overrides]);
    }
}
