using System.Diagnostics;
using System.Security.Cryptography;
using Postern.Fuzz.Targets;

namespace Postern.Fuzz.Engine;

/// <summary>Feeds mutations of the corpus to a target for some seconds.</summary>
internal sealed class FuzzLoop(FuzzTarget target, Coverage? coverage, int seed, string crashFolder)
{
    private const int MostKept = 4096;
    private static readonly TimeSpan SlowestRun = TimeSpan.FromSeconds(5);
    private readonly List<byte[]> _pool = [];

    /// <summary>How many inputs were run.</summary>
    public long Executions { get; private set; }

    /// <param name="keepFolder">Where inputs go that reached something new; null: nowhere.</param>
    /// <returns>False: a crash, whose input was saved.</returns>
    public bool Run(IReadOnlyList<string> corpus, TimeSpan duration, string? keepFolder)
    {
        foreach (var file in corpus)
        {
            var input = Cut(File.ReadAllBytes(file));
            _pool.Add(input);
            if (!TryOne(input))
                return false;
            _ = coverage?.IsNews();
        }

        var random = new Random(seed);
        var mutator = new Mutator(random, target.Dictionary, target.MaxInput);
        var start = Stopwatch.GetTimestamp();
        var nextReport = TimeSpan.FromSeconds(30);
        Console.WriteLine($"{target.Name}: seed {seed}, {_pool.Count} inputs, {(coverage is null ? "without" : "guided by")} coverage");
        while (Stopwatch.GetElapsedTime(start) is var elapsed && elapsed < duration)
        {
            var input = mutator.Next(_pool);
            if (!TryOne(input))
                return false;
            if (coverage?.IsNews() == true && _pool.Count < MostKept)
            {
                _pool.Add(input);
                if (keepFolder is not null)
                    Save(keepFolder, "", input);
            }

            if (elapsed < nextReport)
                continue;
            nextReport += TimeSpan.FromSeconds(30);
            Report(elapsed);
        }

        Report(duration);
        return true;
    }

    /// <summary>Keeps those inputs that reach something which no smaller one reaches.</summary>
    /// <returns>False: a crash, or nothing that tells what is reached.</returns>
    public bool Distil(IReadOnlyList<string> corpus, string keepFolder)
    {
        if (coverage is null)
        {
            Console.WriteLine("this needs an instrumented assembly");
            return false;
        }

        var (kept, inputs) = (0, corpus.Select(file => Cut(File.ReadAllBytes(file))).OrderBy(static input => input.Length));
        foreach (var input in inputs)
        {
            if (!TryOne(input))
                return false;
            if (!coverage.IsNews(heedsCounts: false))
                continue;
            Save(keepFolder, "", input);
            kept++;
        }

        Console.WriteLine($"{target.Name}: {kept} of {corpus.Count} inputs reach {coverage.Count} branches");
        return true;
    }

    private void Report(TimeSpan elapsed) => Console.WriteLine(
        $"{target.Name}: {elapsed.TotalSeconds:0} s, {Executions} executions, {_pool.Count} inputs, {coverage?.Count ?? 0} branches, {GC.GetTotalMemory(false) >> 20} MB");

    private bool TryOne(byte[] input)
    {
        Executions++;
        coverage?.Begin();
        var start = Stopwatch.GetTimestamp();
        try
        {
            target.Check(input);
            var took = Stopwatch.GetElapsedTime(start);
            FuzzFailure.Unless(took < SlowestRun, $"it took {took.TotalSeconds:0.0} s");
            return true;
        }
        catch (Exception failure) // whatever it is, it is what we are looking for
        {
            var file = Save(crashFolder, "crash-", input);
            Console.WriteLine($"{target.Name}: CRASH after {Executions} executions with seed {seed}\n{failure}\ninput saved as {file}");
            return false;
        }
    }

    private byte[] Cut(byte[] input) => input.Length > target.MaxInput ? input[..target.MaxInput] : input;

    private string Save(string folder, string prefix, byte[] input)
    {
        Directory.CreateDirectory(folder);
        var file = Path.Combine(folder, $"{prefix}{target.Name}-{Convert.ToHexString(SHA256.HashData(input))[..12].ToLowerInvariant()}");
        File.WriteAllBytes(file, input);
        return file;
    }
}
