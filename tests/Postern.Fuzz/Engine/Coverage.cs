using System.Reflection;
using System.Runtime.InteropServices;
using SharpFuzz;
using SharpFuzz.Common;

namespace Postern.Fuzz.Engine;

/// <summary>
/// Which branches of Postern.Core ran, if its assembly was instrumented: the map that AFL would read, kept by ourselves.
/// </summary>
internal sealed unsafe class Coverage
{
    private const int MapSize = 1 << 16;
    private readonly byte* _map;
    private readonly byte[] _seen = new byte[MapSize];

    private Coverage()
    {
        _map = (byte*)NativeMemory.AllocZeroed(MapSize);
        Trace.SharedMem = _map;
        Trace.OnBranch = static (_, _) => { };
    }

    /// <summary>Branches seen so far, each once for each magnitude of how often it ran.</summary>
    public int Count { get; private set; }

    /// <summary>Null: the assembly is as the compiler made it.</summary>
    public static Coverage? Start()
    {
        var core = Assembly.Load("Postern.Core");
        return core.GetReferencedAssemblies().Any(static name => name.Name == "SharpFuzz.Common") ? new Coverage() : null;
    }

    /// <summary>Rewrites the assembly beside this program so that it tells which branches run.</summary>
    public static void Instrument(string assembly) => Fuzzer.Instrument(assembly, static _ => true, Options.Value);

    public void Begin()
    {
        new Span<byte>(_map, MapSize).Clear();
        Trace.PrevLocation = 0;
    }

    /// <summary>Whether the run since <see cref="Begin"/> did something that none before it did.</summary>
    /// <param name="heedsCounts">A branch that runs much more often than ever before is news, too.</param>
    public bool IsNews(bool heedsCounts = true)
    {
        var isNews = false;
        var map = new ReadOnlySpan<byte>(_map, MapSize);
        for (var i = Math.Max(0, map.IndexOfAnyExcept((byte)0)); i < MapSize; i++)
        {
            if (map[i] == 0)
                continue;
            var magnitude = (byte)(1 << (heedsCounts ? System.Numerics.BitOperations.Log2(map[i]) : 0));
            if ((_seen[i] & magnitude) != 0)
                continue;
            _seen[i] |= magnitude;
            Count++;
            isNews = true;
        }

        return isNews;
    }
}
