using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace Postern.Bench;

/// <summary>The command line of <c>bench/run</c>.</summary>
internal sealed record BenchOptions
{
    public const string Usage = """
        usage: bench/run [--quick] [--rounds N] [--only NAME[,NAME...]] [--side postscreen|postern]
                         [--postern PATH] [--keep DIR] [--json] [--write-docs] [--no-build]

          --quick       one round with few clients: a smoke test of a minute and a half
          --rounds N    1 to 50; 5 unless told otherwise
          --only NAME   only these measures: handoff handoff-old reject reject-parked growth dialogue lookup
                        lookup-rate lane-cpu lane-time lane-memory watched watched-reject tls tls-cpu tls-time tls-rsa tls-rsa-cpu tls-rsa-time memory total burst
                        lost recording start teaser idle
          --side NAME   measure only this server; then there are no ratios
          --postern P   the program to measure, instead of the one that is published for it
          --keep DIR    copy the configuration, logs and output of every server there
          --json        print the result as JSON instead of a table
          --write-docs  put the table into docs/benchmarks.md (full runs only)
          --no-build    use what an earlier run has built
        """;

    public bool Quick { get; init; }

    /// <summary>0 = as many as the scale says.</summary>
    public int Rounds { get; init; }

    /// <summary>Names of measures; empty means all.</summary>
    public IReadOnlyList<string> Only { get; init; } = [];

    /// <summary>null means both.</summary>
    public ServerKind? Side { get; init; }

    public string Postern { get; init; } = "";

    /// <summary>null means that nothing is kept.</summary>
    public string? Keep { get; init; }

    public bool Json { get; init; }

    public bool WriteDocs { get; init; }

    /// <summary>Where bench/run has built swarm and passd.</summary>
    public string Tools { get; init; } = "artifacts/bench";

    /// <summary>An empty folder that bench/run removes.</summary>
    public string Work { get; init; } = "";

    public bool Wants(Measure measure) => Only.Count == 0 || Only.Contains(measure.Name);

    /// <param name="problem">On failure, what is wrong with the command line; empty when help was asked for.</param>
    public static bool TryParse(string[] arguments, [NotNullWhen(true)] out BenchOptions? options, out string problem)
    {
        (options, problem) = (null, "");
        var read = new BenchOptions();
        for (var i = 0; i < arguments.Length; i++)
        {
            var option = arguments[i];
            if (option is "-h" or "--help")
                return false;
            string? value = null;
            if (option is "--rounds" or "--only" or "--side" or "--postern" or "--keep" or "--tools" or "--work")
            {
                if (i + 1 == arguments.Length)
                {
                    problem = $"{option} needs a value";
                    return false;
                }

                value = arguments[++i];
            }

            switch (option)
            {
                case "--quick": read = read with { Quick = true }; break;
                case "--json": read = read with { Json = true }; break;
                case "--write-docs": read = read with { WriteDocs = true }; break;
                case "--no-build": break; // bench/run has dealt with it
                case "--postern": read = read with { Postern = value! }; break;
                case "--keep": read = read with { Keep = value! }; break;
                case "--tools": read = read with { Tools = value! }; break;
                case "--work": read = read with { Work = value! }; break;
                case "--rounds":
                    if (!int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var rounds) || rounds is < 1 or > 50)
                        problem = $"--rounds {value}: a number from 1 to 50";
                    read = read with { Rounds = rounds };
                    break;
                case "--only":
                    read = read with { Only = value!.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries) };
                    foreach (var name in read.Only)
                    {
                        if (!Measure.All.Any(m => m.Name == name))
                            problem = $"--only {name}: no such measure";
                    }

                    break;
                case "--side":
                    if (value is not ("postscreen" or "postern"))
                        problem = $"--side {value}: postscreen or postern";
                    read = read with { Side = value is "postern" ? ServerKind.Postern : ServerKind.Postscreen };
                    break;
                default: problem = $"{option}: unknown"; break;
            }

            if (problem.Length > 0)
                return false;
        }

        if (read.WriteDocs && (read.Quick || read.Only.Count > 0 || read.Side is not null))
        {
            problem = "--write-docs needs a full run: no --quick, --only or --side";
            return false;
        }

        options = read;
        return true;
    }
}
