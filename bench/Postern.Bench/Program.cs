using System.Diagnostics;
using Postern.Bench;

// Measures postscreen and Postern in turns. Started by bench/run, which builds what is needed and puts this program
// into a network of its own. Timing never decides: the exit status is 0 when a goal is missed, and 1 when something broke.
if (!BenchOptions.TryParse(args, out var options, out var problem))
{
    Console.Error.WriteLine(problem.Length > 0 ? $"bench: {problem}\n{BenchOptions.Usage}" : BenchOptions.Usage);
    return problem.Length > 0 ? 2 : 0;
}

var machine = Machine.Here(options.Work);
var clock = Stopwatch.StartNew();
var results = new Results();
try
{
    var scale = (options.Quick ? Scale.Quick : Scale.Full).Fit(machine.OpenFiles, out var notice);
    if (options.Rounds > 0)
        scale = scale with { Rounds = options.Rounds };
    if (notice is not null)
    {
        results.Note(notice);
        Progress($"NOTE: {notice}");
    }

    if (options.Quick)
        results.Note("a quick run: the goals are for the full load, and say little here");
    Progress(machine.ToString());
    for (var round = 1; round <= scale.Rounds; round++)
    {
        foreach (var scenario in Scenario.All.Where(s => s.Measures.Any(options.Wants)))
        {
            foreach (var kind in (ServerKind[])[ServerKind.Postscreen, ServerKind.Postern])
            {
                if ((scenario.PosternOnly && kind is ServerKind.Postscreen) || (options.Side is { } side && side != kind))
                    continue;
                var label = $"{round}/{scale.Rounds} {scenario.Name} {kind}";
                using var server = new MailServer(kind, options, $"{round}-{scenario.Name}-{kind}", scenario);
                var turn = new Turn(options, scale, results, server, label, round, Progress);
                scenario.Run(turn);
                if (server.FirstFatal() is { } fatal)
                    turn.Note($"a process of the server ended with \"{fatal}\"");
            }
        }
    }

    var report = new Report(options, scale, results, machine);
    Console.WriteLine(options.Json ? report.Json() : report.Table());
    if (options.WriteDocs)
        DocsPage.Fill("docs/benchmarks.md", report.Markdown());
    return 0;
}
catch (Exception broken) when (broken is InvalidOperationException or IOException)
{
    Console.Error.WriteLine($"bench: {broken.Message}");
    return 1;
}

void Progress(string text) => Console.Error.WriteLine($"{clock.Elapsed.TotalSeconds,6:0.0} s  {text}");
