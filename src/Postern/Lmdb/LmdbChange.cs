using static Postern.Lmdb.LmdbLibrary;

namespace Postern.Lmdb;

/// <summary>A writing transaction in progress. Keys and values are given and returned without NUL; results are LMDB's codes.</summary>
internal readonly unsafe struct LmdbChange(nint transaction, uint database, bool withNul)
{
    /// <summary>The number that this change will have as the last transaction.</summary>
    public ulong Number => mdb_txn_id(transaction);

    /// <summary>Puts a row, in place of one with the same key.</summary>
    public int Put(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value)
    {
        Span<byte> keyBytes = stackalloc byte[key.Length + 1];
        Span<byte> valueBytes = stackalloc byte[value.Length + 1];
        fixed (byte* keyStart = Terminated(key, keyBytes), valueStart = Terminated(value, valueBytes))
        {
            var row = (Key: Value(keyStart, keyBytes.Length), Value: Value(valueStart, valueBytes.Length));
            return mdb_put(transaction, database, &row.Key, &row.Value, 0);
        }
    }

    /// <summary>Looks a row up.</summary>
    /// <param name="found">Good until the next change; empty if there is none.</param>
    /// <returns><see cref="MDB_NOTFOUND"/> when there is none.</returns>
    public int Find(ReadOnlySpan<byte> key, out ReadOnlySpan<byte> found)
    {
        Span<byte> keyBytes = stackalloc byte[key.Length + 1];
        fixed (byte* keyStart = Terminated(key, keyBytes))
        {
            var (wanted, value) = (Value(keyStart, keyBytes.Length), default(LmdbValue));
            var code = mdb_get(transaction, database, &wanted, &value);
            found = code == 0 ? value.Bytes : default;
            return code;
        }
    }

    /// <summary>Deletes a row, if it is there and still says this.</summary>
    public int DeleteIf(ReadOnlySpan<byte> key, Func<ReadOnlySpan<byte>, bool> condition)
    {
        Span<byte> keyBytes = stackalloc byte[key.Length + 1];
        fixed (byte* keyStart = Terminated(key, keyBytes))
        {
            var (wanted, found) = (Value(keyStart, keyBytes.Length), default(LmdbValue));
            var code = mdb_get(transaction, database, &wanted, &found);
            if (code == 0 && condition(found.Bytes))
                code = mdb_del(transaction, database, &wanted, null);
            return code == MDB_NOTFOUND ? 0 : code;
        }
    }

    private LmdbValue Value(byte* start, int length) => new() { Data = start, Length = (nuint)(length - (withNul ? 0 : 1)) };

    private static Span<byte> Terminated(ReadOnlySpan<byte> text, Span<byte> room)
    {
        text.CopyTo(room);
        room[^1] = 0;
        return room;
    }
}
