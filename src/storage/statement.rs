//! Statements that are planned once a backend.

use std::cell::Cell;

use pgrx::datum::DatumWithOid;
use pgrx::prelude::*;
use pgrx::spi::{OwnedPreparedStatement, SpiClient, SpiTupleTable};

/// A statement with its plan. Postgres plans it anew where a table changes.
pub(crate) struct Statement {
    text: &'static str,
    argument_types: &'static [PgBuiltInOids],
    /// Never freed: at the end of the process there is no SPI to free it with.
    plan: Cell<Option<&'static OwnedPreparedStatement>>,
}

impl Statement {
    pub(crate) const fn new(text: &'static str, argument_types: &'static [PgBuiltInOids]) -> Self {
        Self {
            text,
            argument_types,
            plan: Cell::new(None),
        }
    }

    /// Runs it and reads its rows. The search path must be that of the catalogs.
    ///
    /// # Errors
    /// As SPI reports them; errors of Postgres pass through.
    pub(crate) fn run<R>(
        &self,
        arguments: &[DatumWithOid<'_>],
        read: impl FnOnce(SpiTupleTable<'_>) -> Result<R, spi::Error>,
    ) -> Result<R, spi::Error> {
        Spi::connect_mut(|client| {
            let plan = self.plan(client)?;
            read(client.update(plan, None, arguments)?)
        })
    }

    /// Runs one that only reads, which assigns no transaction id.
    ///
    /// # Errors
    /// As [`Statement::run`].
    pub(crate) fn look<R>(
        &self,
        arguments: &[DatumWithOid<'_>],
        read: impl FnOnce(SpiTupleTable<'_>) -> Result<R, spi::Error>,
    ) -> Result<R, spi::Error> {
        Spi::connect(|client| {
            let plan = self.plan(client)?;
            read(client.select(plan, None, arguments)?)
        })
    }

    fn plan(&self, client: &SpiClient<'_>) -> Result<&'static OwnedPreparedStatement, spi::Error> {
        if let Some(plan) = self.plan.get() {
            return Ok(plan);
        }
        let types: Vec<PgOid> = self
            .argument_types
            .iter()
            .map(|&built_in| PgOid::from(built_in.value()))
            .collect();
        let plan: &'static OwnedPreparedStatement =
            Box::leak(Box::new(client.prepare(self.text, &types)?.keep()));
        self.plan.set(Some(plan));
        Ok(plan)
    }
}
