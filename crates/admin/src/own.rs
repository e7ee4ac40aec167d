//! What an account's administrator does for their own account: people and tokens that are for it alone. Operators do
//! the same with any.

use calls::AccountId;
use journal::settings::{Token, User};

use crate::admin::Admin;
use crate::change::Expect;
use crate::tokens::role_of;
use crate::{Actor, Code, MadeToken, Refusal, Role, TokenWish, UserLink};

impl Admin {
    /// Invites a person to an account, or changes what they may do in it; who has no password yet gets a link.
    ///
    /// # Errors
    /// Also that the name is somebody's who is not of this account.
    pub async fn invite_to(
        &self,
        actor: &Actor,
        account: &str,
        name: &str,
        role: Role,
    ) -> Result<(User, Option<UserLink>), Refusal> {
        let id = self.changes(actor, account)?.id.clone();
        if self.cache.user(name).is_some_and(|(user, _)| role_of(&user.scope).1 != Some(&id)) {
            return Err(Refusal::of(Code::UserThere, "name").with("name", name));
        }
        let link = self.invite_user(actor, name, Some(role), Some(account), Expect::Any).await?;
        let (user, _) = self.cache.user(name).ok_or_else(|| Refusal::new(Code::NoUser))?;
        Ok((user, link))
    }

    /// Makes a link for a person of an account who has forgotten their password.
    pub async fn reset_user_of(&self, actor: &Actor, account: &str, name: &str) -> Result<UserLink, Refusal> {
        self.user_of(&self.changes(actor, account)?.id, name)?;
        self.reset_user(actor, name).await
    }

    /// Removes a person of an account.
    pub async fn remove_user_of(&self, actor: &Actor, account: &str, name: &str) -> Result<(), Refusal> {
        self.user_of(&self.changes(actor, account)?.id, name)?;
        self.take_user(actor, name).await
    }

    /// The tokens that are for an account alone, by name, without their text.
    pub fn tokens_of(&self, actor: &Actor, account: &str) -> Result<Vec<(String, Token)>, Refusal> {
        let id = self.changes(actor, account)?.id.clone();
        let tokens = self.cache.tokens().into_iter().map(|(name, (token, _))| (name, token));
        Ok(tokens.filter(|(_, token)| role_of(&token.scope).1 == Some(&id)).collect())
    }

    /// Makes a token for an account alone.
    pub async fn make_token_of(
        &self,
        actor: &Actor,
        account: &str,
        name: &str,
        role: Role,
    ) -> Result<MadeToken, Refusal> {
        self.changes(actor, account)?;
        let wish = TokenWish { name: name.to_owned(), role: Some(role), account: Some(account.to_owned()) };
        self.keep_token(actor, &wish).await
    }

    /// Removes a token of an account.
    pub async fn remove_token_of(&self, actor: &Actor, account: &str, name: &str) -> Result<(), Refusal> {
        let known = self.tokens_of(actor, account)?.into_iter().any(|(known, _)| known == name);
        if !known {
            return Err(Refusal::new(Code::NoSuchToken));
        }
        self.take_token(actor, name).await
    }

    fn user_of(&self, account: &AccountId, name: &str) -> Result<(), Refusal> {
        let found = self.cache.user(name).filter(|(user, _)| role_of(&user.scope).1 == Some(account));
        found.map(drop).ok_or_else(|| Refusal::new(Code::NoUser))
    }
}
