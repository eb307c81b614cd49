using Postern.Lmdb;
using SQLitePCL;

namespace Postern.Storage;

/// <summary>Why a store did not do what it was asked.</summary>
/// <param name="Code">SQLite's primary result code, or LMDB's code.</param>
/// <param name="Reason">The library's words.</param>
/// <param name="IsDamage">The file is not what it should be, and no waiting will mend it.</param>
/// <param name="IsPassing">The open store is as good as before: someone holds a lock, or the disk is full.</param>
internal sealed record StoreProblem(int Code, string Reason, bool IsDamage, bool IsPassing)
{
    public static StoreProblem OfSqlite(int code, string reason) => new(
        code,
        reason,
        IsDamage: code is raw.SQLITE_CORRUPT or raw.SQLITE_NOTADB,
        IsPassing: code is raw.SQLITE_BUSY or raw.SQLITE_LOCKED or raw.SQLITE_FULL);

    public static StoreProblem? OfLmdb(LmdbProblem? problem) =>
        problem is null ? null : new(problem.Code, problem.Reason, problem.IsDamage, problem.IsPassing);
}
