using Postern.Fuzz.Engine;
using Postern.Fuzz.Targets;
using SharpFuzz;

const string Usage = """
    Postern.Fuzz TARGET [--seconds N] [--seed N] [--corpus DIR] [--keep DIR] [--crashes DIR]
                                      mutate the corpus for N seconds (60)
    Postern.Fuzz TARGET --corpus DIR --distil DIR
                                      keep what reaches more than all smaller inputs do
    Postern.Fuzz TARGET --replay FILE...   run these inputs once each
    Postern.Fuzz TARGET --afl         be the target of afl-fuzz
    Postern.Fuzz --instrument DLL     make an assembly tell which branches run; do this to a copy of the output folder
    Targets:
    """;

if (args is ["--instrument", var assembly])
{
    Coverage.Instrument(assembly);
    return 0;
}

var coverage = Coverage.Start(); // before anything of an instrumented assembly runs
var target = FuzzTarget.All.FirstOrDefault(target => args.Length > 0 && target.Name == args[0]);
if (target is null)
{
    Console.Error.WriteLine($"{Usage} {string.Join(", ", FuzzTarget.All.Select(static target => target.Name))}");
    return 2;
}

var (seconds, seed) = (60.0, Environment.TickCount);
var corpus = Path.Combine(Corpus.Root, target.Name);
var crashes = ".";
string? keep = null, distilled = null;
for (var i = 1; i < args.Length; i++)
{
    var value = i + 1 < args.Length ? args[i + 1] : "";
    switch (args[i])
    {
        case "--afl":
            Fuzzer.OutOfProcess.Run(stream =>
            {
                using var memory = new MemoryStream();
                stream.CopyTo(memory);
                target.Check(memory.ToArray() is var input && input.Length > target.MaxInput ? input[..target.MaxInput] : input);
            });
            return 0;
        case "--replay":
            foreach (var file in args.AsSpan(i + 1))
            {
                target.Check(File.ReadAllBytes(file));
                Console.WriteLine($"{file}: ok");
            }

            return 0;
        case "--seconds" when double.TryParse(value, out seconds):
        case "--seed" when int.TryParse(value, out seed):
            i++;
            break;
        case "--corpus" when value != "":
            (corpus, i) = (value, i + 1);
            break;
        case "--keep" when value != "":
            (keep, i) = (value, i + 1);
            break;
        case "--distil" when value != "":
            (distilled, i) = (value, i + 1);
            break;
        case "--crashes" when value != "":
            (crashes, i) = (value, i + 1);
            break;
        default:
            Console.Error.WriteLine($"{args[i]} {value}?\n{Usage}");
            return 2;
    }
}

var loop = new FuzzLoop(target, coverage, seed, crashes);
var files = Corpus.Files(corpus);
return (distilled is null ? loop.Run(files, TimeSpan.FromSeconds(seconds), keep) : loop.Distil(files, distilled)) ? 0 : 1;
