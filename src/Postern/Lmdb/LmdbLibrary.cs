using System.Runtime.InteropServices;

namespace Postern.Lmdb;

/// <summary>
/// The functions of liblmdb that we call, with their own names and result codes: 0, an error number of the system, or one
/// of the constants below. The library is the distribution's, loaded when it is first used (ADR 4).
/// </summary>
internal static unsafe partial class LmdbLibrary
{
    public const int MDB_NOTFOUND = -30798;
    public const int MDB_PAGE_NOTFOUND = -30797;
    public const int MDB_CORRUPTED = -30796;
    public const int MDB_INVALID = -30793;
    public const int MDB_MAP_FULL = -30792;
    public const int MDB_MAP_RESIZED = -30785;

    public const uint MDB_NOSUBDIR = 0x4000;
    public const uint MDB_RDONLY = 0x20000;
    public const uint MDB_NOLOCK = 0x400000;

    public const int MDB_FIRST = 0;
    public const int MDB_NEXT = 8;
    public const int MDB_SET_RANGE = 17;

    private const string Name = "liblmdb.so.0";

    /// <summary>Whether the library is on this machine; asking loads it.</summary>
    public static bool IsInstalled => NativeLibrary.TryLoad(Name, typeof(LmdbLibrary).Assembly, null, out _);

    [LibraryImport(Name)]
    public static partial int mdb_env_create(out nint environment);

    [LibraryImport(Name)]
    public static partial int mdb_env_open(nint environment, ReadOnlySpan<byte> path, uint flags, uint mode);

    [LibraryImport(Name)]
    public static partial void mdb_env_close(nint environment);

    [LibraryImport(Name)]
    public static partial int mdb_env_set_mapsize(nint environment, nuint size);

    [LibraryImport(Name)]
    public static partial int mdb_env_get_fd(nint environment, out int descriptor);

    [LibraryImport(Name)]
    public static partial int mdb_env_info(nint environment, LmdbInfo* info);

    [LibraryImport(Name)]
    public static partial int mdb_stat(nint transaction, uint database, LmdbStatistics* statistics);

    [LibraryImport(Name)]
    public static partial int mdb_txn_begin(nint environment, nint parent, uint flags, out nint transaction);

    /// <summary>Ends the transaction, whatever it returns.</summary>
    [LibraryImport(Name)]
    public static partial int mdb_txn_commit(nint transaction);

    [LibraryImport(Name)]
    public static partial void mdb_txn_abort(nint transaction);

    [LibraryImport(Name)]
    public static partial nuint mdb_txn_id(nint transaction);

    [LibraryImport(Name)]
    public static partial int mdb_dbi_open(nint transaction, byte* name, uint flags, out uint database);

    [LibraryImport(Name)]
    public static partial int mdb_get(nint transaction, uint database, LmdbValue* key, LmdbValue* value);

    [LibraryImport(Name)]
    public static partial int mdb_put(nint transaction, uint database, LmdbValue* key, LmdbValue* value, uint flags);

    [LibraryImport(Name)]
    public static partial int mdb_del(nint transaction, uint database, LmdbValue* key, LmdbValue* value);

    [LibraryImport(Name)]
    public static partial int mdb_cursor_open(nint transaction, uint database, out nint cursor);

    [LibraryImport(Name)]
    public static partial int mdb_cursor_get(nint cursor, LmdbValue* key, LmdbValue* value, int operation);

    [LibraryImport(Name)]
    public static partial void mdb_cursor_close(nint cursor);

    [LibraryImport(Name)]
    public static partial nint mdb_strerror(int code);
}

/// <summary>MDB_val: bytes in the map, good until the transaction ends.</summary>
internal unsafe struct LmdbValue
{
    public nuint Length;
    public byte* Data;

    public readonly ReadOnlySpan<byte> Bytes => new(Data, checked((int)Length));
}

/// <summary>MDB_envinfo.</summary>
internal struct LmdbInfo
{
    public nint Address;
    public nuint MapSize;
    public nuint LastPage;
    public nuint LastTransaction;
    public uint MaxReaders;
    public uint Readers;
}

/// <summary>MDB_stat.</summary>
internal struct LmdbStatistics
{
    public uint PageSize;
    public uint Depth;
    public nuint BranchPages;
    public nuint LeafPages;
    public nuint OverflowPages;
    public nuint Entries;
}
