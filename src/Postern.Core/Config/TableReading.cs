using Postern.Core.Tables;

namespace Postern.Core.Config;

/// <summary>How the files of a configuration's tables are read.</summary>
/// <param name="Before">The tables that are in force: a file that has not changed since is not read again. Null: there are none.</param>
/// <param name="MayBeLater">
/// Whether large files are only opened, so that clients can be served before <see cref="TableCatalog.ReadRest"/> has read them.
/// </param>
public readonly record struct TableReading(TableCatalog? Before, bool MayBeLater);
