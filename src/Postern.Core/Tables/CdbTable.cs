using System.Text;

namespace Postern.Core.Tables;

/// <summary>
/// <c>cdb:</c> — Bernstein's constant database, <c>PATH.cdb</c>: 256 pointers to hash tables, the records, the hash
/// tables, each number 32 bits with the low byte first. A key is looked up in the file's own hash tables, so opening
/// costs nothing but the reading.
/// </summary>
/// <remarks>
/// <code>
/// file    = 256 * (position of hash table, number of slots)  record*  slot*
/// record  = key length, value length, key, value
/// slot    = (hash of key, position of record); position 0: empty
/// </code>
/// </remarks>
public sealed class CdbTable : ILookupTable
{
    private const int HeaderSize = 256 * 8;

    private readonly byte[] _file;
    private readonly bool _foldCase;

    private CdbTable(TableSource source, byte[] file) => (Name, _file, _foldCase) = (source.Name, file, source.FoldCase);

    /// <inheritdoc />
    public string Name { get; }

    /// <summary>Takes the file's content. What is damaged inside shows when a key leads there.</summary>
    public static ILookupTable? Parse(TableSource source, IWarningSink warnings, out string? problem)
    {
        var file = source.File!.ReadToEnd();
        problem = file.Length < HeaderSize ? $"open database {source.Argument}.cdb: not a cdb file" : null;
        return problem is null ? new CdbTable(source, file) : null;
    }

    /// <summary>Lists the records, up to the first that lies outside of the file.</summary>
    public static IEnumerable<TableRule> Rules(TableSource source)
    {
        var file = source.File!.ReadToEnd();
        var table = new CdbTable(source, file);
        var end = (uint)file.Length; // the hash tables stand behind the records
        for (var header = 0; header < HeaderSize; header += 8)
        {
            if (table.TryRead(header, out var start) && start < end)
                end = start;
        }

        for (long at = HeaderSize; at + 8 <= end && table.TryRead(at, out var keyLength) && table.TryRead(at + 4, out var valueLength);)
        {
            at += 8;
            if (at + keyLength + valueLength > end)
                yield break;
            yield return new TableRule(0, TextOf(file.AsSpan((int)at, (int)keyLength)), TextOf(file.AsSpan((int)(at + keyLength), (int)valueLength)));
            at += keyLength + valueLength;
        }
    }

    /// <inheritdoc />
    public LookupResult Lookup(string key, IWarningSink warnings)
    {
        byte[] wanted = [.. Encoding.Latin1.GetBytes(_foldCase ? ListText.FoldCase(key) : key), 0];

        // postmap(1) leaves the C string's NUL away; other makers of tables may not.
        if (!TryFind(wanted.AsSpan()[..^1], out var value) || (value is null && !TryFind(wanted, out value)))
        {
            warnings.Warn($"{Name}: the database is damaged");
            return LookupResult.Error;
        }

        return value is null ? LookupResult.NotFound : LookupResult.Found(value);
    }

    /// <param name="value">Null: there is no such key.</param>
    /// <returns>False when what the key leads to lies outside the file.</returns>
    private bool TryFind(ReadOnlySpan<byte> key, out string? value)
    {
        value = null;
        var hash = Hash(key);
        var header = (long)(hash % 256) * 8;
        if (!TryRead(header, out var table) || !TryRead(header + 4, out var slots) || table + (8L * slots) > _file.Length)
            return false;

        for (var tried = 0u; tried < slots; tried++)
        {
            var slot = table + (8L * (((hash >> 8) + tried) % slots));
            if (!TryRead(slot, out var slotHash) || !TryRead(slot + 4, out var record))
                return false;
            if (record == 0)
                return true;
            if (slotHash != hash)
                continue;
            if (!TryRead(record, out var keyLength) || !TryRead(record + 4L, out var valueLength)
                || record + 8L + keyLength + valueLength > _file.Length)
            {
                return false;
            }

            ReadOnlySpan<byte> text = _file.AsSpan((int)record + 8);
            if (!text[..(int)keyLength].SequenceEqual(key))
                continue;
            value = TextOf(text.Slice((int)keyLength, (int)valueLength));
            return true;
        }

        return true;
    }

    private bool TryRead(long position, out uint number)
    {
        number = 0;
        if (position + 4 > _file.Length)
            return false;
        for (var i = 3; i >= 0; i--)
            number = (number << 8) | _file[(int)position + i];
        return true;
    }

    private static string TextOf(ReadOnlySpan<byte> bytes) => Encoding.Latin1.GetString(ListText.BeforeNul(bytes));

    private static uint Hash(ReadOnlySpan<byte> key)
    {
        var hash = 5381u;
        foreach (var one in key)
            hash = ((hash << 5) + hash) ^ one;
        return hash;
    }
}
