using System.Runtime.InteropServices;
using Postern.Native;
using static Postern.Lmdb.LmdbLibrary;

namespace Postern.Lmdb;

/// <summary>Why a file could not be read or written.</summary>
/// <param name="Code">An error number of the system or a code of LMDB's.</param>
/// <param name="Reason">In the words that Postfix logs too: <c>MDB_INVALID: File is not an LMDB file</c>.</param>
internal sealed record LmdbProblem(int Code, string Reason)
{
    /// <summary>Another process has locked the file for longer than we wait.</summary>
    public static readonly LmdbProblem Locked = new(Errno.EAGAIN, "the file is locked by another process");

    /// <summary>The file is not what it should be, and no waiting will mend it.</summary>
    public bool IsDamage => Code is MDB_CORRUPTED or MDB_INVALID or MDB_PAGE_NOTFOUND;

    /// <summary>The open file is as good as before: someone holds a lock, or the disk is full.</summary>
    public bool IsPassing => Code is Errno.EAGAIN or Errno.ENOSPC or Errno.EDQUOT;

    public static LmdbProblem Of(int code) => new(code, Marshal.PtrToStringUTF8(mdb_strerror(code)) ?? $"error {code}");

    public static LmdbProblem Damage(string reason) => new(MDB_CORRUPTED, reason);

    /// <summary>The last system call of this thread has failed.</summary>
    public static LmdbProblem OfSystem() => new(Errno.Last, Errno.LastText);
}
