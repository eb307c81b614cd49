using Postern.Core.Config;
using Postern.Core.Smtp;
using Postern.Core.Tables;
using Postern.Core.Versions;

namespace Postern.Core.Screening;

/// <summary>Which keywords the answer to EHLO leaves out: those of the client's address, else those for everybody.</summary>
internal static class EhloDiscard
{
    /// <returns>False: the tables could not say; the client was told to come back.</returns>
    internal static bool TryFind(Session session, SessionActions actions, out EhloKeywords discarded)
    {
        var (settings, address) = (session.Settings, session.Client.Address);
        discarded = Parse(settings.DiscardEhloKeywords, settings);
        if (settings.DiscardEhloKeywordAddressMaps is not { } maps)
            return true;
        var result = maps.Lookup(address.ToString(), actions);
        if (result.Status is LookupStatus.Error)
        {
            actions.Text.Append("postscreen_discard_ehlo_keyword_address_maps lookup error for "u8).Append(address);
            actions.Log(LogSeverity.Error);
            session.DropForTrouble(actions);
            return false;
        }

        if (result.Status is LookupStatus.NotFound || Parse(result.Value, settings) is var ofClient && ofClient == discarded)
            return true;
        discarded = ofClient;
        if (discarded is not EhloKeywords.None && !discarded.HasFlag(EhloKeywords.SilentDiscard))
        {
            LogText.DiscardedKeywords(actions.Text, address, session.ClientPort, EhloKeywordList.Describe(discarded, HasAllWords(settings)));
            actions.Log();
        }

        return true;
    }

    private static EhloKeywords Parse(string text, Settings settings) =>
        EhloKeywordList.Parse(text) & (HasAllWords(settings) ? ~EhloKeywords.None : ~EhloKeywords.RequireTls);

    private static bool HasAllWords(Settings settings) => settings.Postfix.Has(PostfixDifferences.DiscardedKeywordWords);
}
