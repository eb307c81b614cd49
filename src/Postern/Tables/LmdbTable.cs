using System.Text;
using Postern.Core;
using Postern.Core.Tables;
using Postern.Lmdb;

namespace Postern.Tables;

/// <summary>
/// <c>lmdb:PATH</c>, the file PATH.lmdb that postmap(1) writes. Changes count at once; a file that takes its place is
/// followed. While postmap has it locked a lookup waits a little, and then is an error.
/// </summary>
internal sealed class LmdbTable : ILookupTable
{
    /// <summary>How long a lookup may keep the loop waiting for another process's lock.</summary>
    private static readonly TimeSpan LockLimit = TimeSpan.FromMilliseconds(50);

    /// <summary>How long the start of the daemon may.</summary>
    private static readonly TimeSpan OpenLimit = TimeSpan.FromSeconds(2);

    private readonly LmdbReader _reader;
    private readonly bool _foldCase;
    private readonly string _path;

    private LmdbTable(string name, string path, bool foldCase, long mapSize) =>
        (Name, _path, _foldCase, _reader) = (name, path, foldCase, new LmdbReader(path, mapSize));

    /// <inheritdoc />
    public string Name { get; }

    /// <summary>Opens the file.</summary>
    /// <param name="source">The argument is the path without suffix.</param>
    /// <param name="mapSize"><c>lmdb_map_size</c>.</param>
    /// <param name="problem">Why it cannot be read, in Postfix's words.</param>
    public static LmdbTable? Parse(TableSource source, long mapSize, out string? problem)
    {
        var table = new LmdbTable(source.Name, source.Argument + ".lmdb", source.FoldCase, mapSize);
        var failure = table._reader.Open(OpenLimit);
        problem = failure is null ? null : $"open database {table._path}: {failure.Reason}";
        return failure is null ? table : null;
    }

    /// <summary>Lists the entries; none when the file cannot be read.</summary>
    public static IEnumerable<TableRule> Rules(TableSource source, long mapSize)
    {
        const int RowsAtATime = 10_000;
        var rules = new List<TableRule>();
        if (LmdbFile.Open(source.Argument + ".lmdb", isReadOnly: true, mapSize, OpenLimit, note: null, out var file) is not null)
            return rules;
        using (file)
        {
            byte[]? last = null;
            do
            {
                if (file!.ReadPart(last, RowsAtATime, OpenLimit, Take, out last) is not null)
                    break;
            }
            while (last is not null);
        }

        return rules;

        void Take(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value) =>
            rules.Add(new TableRule(0, Encoding.Latin1.GetString(key), Encoding.Latin1.GetString(value)));
    }

    /// <inheritdoc />
    public LookupResult Lookup(string key, IWarningSink warnings)
    {
        var wanted = Encoding.Latin1.GetBytes(_foldCase ? ListText.FoldCase(key) : key);
        if (_reader.Find(wanted, LockLimit, out var value) is { } problem)
        {
            warnings.Warn($"{Name}: lookup of \"{key}\" in {_path} failed: {problem.Reason}");
            return LookupResult.Error;
        }

        return value is null ? LookupResult.NotFound : LookupResult.Found(Encoding.Latin1.GetString(value));
    }
}
